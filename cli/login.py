"""Who is signed in, and where: from the environment, or from a file that its owner alone can read."""

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import typer

from cli.errors import NotSignedIn

API, TOKEN = "INVITE_API", "INVITE_TOKEN"
_ASK = "Sign in with `invite login --api URL`, or set INVITE_API and INVITE_TOKEN."


@dataclass(frozen=True)
class Login:
    """`api`: the API's address, without a slash at the end."""

    api: str
    token: str = field(repr=False)


def path() -> Path:
    """Where the login is kept."""
    return Path(typer.get_app_dir("invite")) / "login.json"


def current(environment: Mapping[str, str]) -> Login:
    """The login to use. Raises `NotSignedIn`."""
    api, token = environment.get(API, "").rstrip("/"), environment.get(TOKEN, "")
    if api and token:
        return Login(api, token)
    kept = _kept()
    if kept is None:
        raise NotSignedIn(f"You are not signed in. {_ASK}")
    if api and api != kept.api:
        # The token that is kept belongs to another server: it must not be shown to this one.
        raise NotSignedIn(f"You are signed in at {kept.api}, not at {api} as INVITE_API says. {_ASK}")
    return Login(kept.api, token or kept.token)


def keep(login: Login) -> None:
    """Write the login for the next commands; nobody else can ever read it."""
    place = path()
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = place.with_suffix(".half")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(login), file)
    half.replace(place)


def forget() -> bool:
    """Remove the login; whether there was one."""
    try:
        path().unlink()
    except FileNotFoundError:
        return False
    return True


def _kept() -> Login | None:
    try:
        with path().open() as file:
            readable = stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077
            if os.name == "posix" and readable:
                raise NotSignedIn(f"Others can read {path()}, where your token is. Run: chmod 600 '{path()}'")
            return Login(**json.load(file))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise NotSignedIn(f"{path()} cannot be read as a login. {_ASK}") from None
