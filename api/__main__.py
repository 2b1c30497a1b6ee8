"""`python -m api`: serve the API. Settings come from the environment; `--help` explains them."""

import argparse
import asyncio
import gc
import socket
import sys

import uvicorn
from pydantic import ValidationError
from pydantic_core import PydanticUndefined

from api.app import create_app
from api.events import Told
from api.listening import Listeners
from runtime import telemetry
from runtime.sentry import report_errors
from runtime.settings import ApiSettings
from runtime.traces import begin_traces

_PREFIX = "INVITE_"
_GRACE_S = 20
"""How long requests in progress may take to end when the process is asked to."""


class Server(uvicorn.Server):
    """Ends the streams of events first: they would hold the process until its grace is over."""

    def __init__(self, config: uvicorn.Config, listeners: Listeners[Told]) -> None:
        super().__init__(config)
        self._listeners = listeners

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving. After this the process ends by the signal that it was sent, and says nothing any more."""
        self._listeners.close()
        await super().shutdown(sockets)
        await asyncio.to_thread(telemetry.end)


def main() -> int:
    """Exit status 2 for settings that cannot be."""
    parser = argparse.ArgumentParser(
        prog="python -m api",
        description="The Invite Service's HTTP API.",
        epilog=explained(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args()
    try:
        settings = ApiSettings()
    except ValidationError as error:
        for line in faults(error):
            print(f"api: {line}", file=sys.stderr)
        return 2
    telemetry.configure(settings.log_level, settings.debug_file)
    report_errors(settings.sentry_dsn)
    begin_traces(settings.traces_endpoint, settings.traces_share, "invite-api")
    app = create_app(settings)
    # Else the collector goes over the whole program time and again while rows come and go: a third of an upload's CPU.
    gc.freeze()
    config = uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_graceful_shutdown=_GRACE_S,
    )
    Server(config, app.state.listeners).run()
    return 0


def explained() -> str:
    """Every setting with its default."""
    lines = ["settings (environment variables):"]
    for name, field in ApiSettings.model_fields.items():
        needed = field.is_required()
        default = "required" if needed else f"default {_shown(field.get_default())}"
        about = f"{field.description}; {default}" if field.description else default
        lines.append(f"  {_PREFIX}{name.upper():<24} {about}")
    return "\n".join(lines)


def faults(error: ValidationError) -> list[str]:
    """What is wrong with the settings, one line each, without their values."""
    lines = []
    for each in error.errors(include_input=False, include_context=False, include_url=False):
        name = f"{_PREFIX}{'_'.join(map(str, each['loc'])).upper()}: " if each["loc"] else ""
        lines.append(name + each["msg"].removeprefix("Value error, "))
    return lines


def _shown(default: object) -> str:
    return "none" if default in (None, PydanticUndefined) else str(default)


if __name__ == "__main__":
    sys.exit(main())
