"""The command `invite` in this process, and servers on loopback for it to speak to."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from typer.testing import CliRunner

from cli.main import app as command


@dataclass(frozen=True)
class Said:
    """What the command printed."""

    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Invite:
    """The command in an environment. Whatever it is told, it never prints the token."""

    environment: Mapping[str, str]
    token: str

    async def __call__(self, *arguments: object, typed: str | None = None, code: int = 0) -> Said:
        words = [str(each) for each in arguments]
        result = await asyncio.to_thread(CliRunner().invoke, command, words, input=typed, env=self.environment)
        assert result.exit_code == code, result.output
        assert isinstance(result.exception, SystemExit | None), result.exception
        assert self.token not in result.output
        return Said(result.stdout, result.stderr)

    def having(self, **variables: str) -> "Invite":
        """The same with other variables; an empty one is as good as none."""
        return Invite({**self.environment, **variables}, self.token)


def surroundings(home: Path) -> dict[str, str]:
    """An environment without traces of whoever runs the tests."""
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "COLUMNS": "200",
        "INVITE_LANGUAGE": "",
        "NO_COLOR": "1",
    }


@asynccontextmanager
async def serving(
    app: Any, made: Callable[[uvicorn.Config], uvicorn.Server] = uvicorn.Server, grace: int = 1
) -> AsyncIterator[str]:
    """Any ASGI application on a free port of loopback; its address. `grace`: seconds for requests at the end."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=grace)
    server = made(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
