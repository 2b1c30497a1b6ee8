"""`python -m api`: serve the API. Settings come from the environment; `--help` explains them."""

import argparse
import gc
import sys

import uvicorn
from pydantic import ValidationError
from pydantic_core import PydanticUndefined

from api.app import create_app
from api.server import Server
from runtime import telemetry
from runtime.sentry import report_errors
from runtime.settings import ApiSettings, faults
from runtime.traces import begin_traces

_PREFIX = "INVITE_"
_GRACE_S = 20
"""How long requests in progress may take to end when the process is asked to."""


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
        http="h11",  # which bounds a request's head
        ws="none",
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_graceful_shutdown=_GRACE_S,
    )
    Server(config, app, settings.drain).run()
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


def _shown(default: object) -> str:
    return "none" if default in (None, PydanticUndefined) else str(default)


if __name__ == "__main__":
    sys.exit(main())
