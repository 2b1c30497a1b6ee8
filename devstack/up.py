"""`./run up`: the whole stack left running, with data that is kept and a little world to try things on."""

import argparse
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devstack import prometheus
from devstack.errors import AlreadyRunning, ServerFailed
from devstack.postgres_files import write_private
from devstack.progress import Progress
from devstack.stack import Stack
from devstack.state import CHECKOUT, KEPT_FOLDER, State, kept_state
from devstack.telegram_dc import scenario
from devstack.telegram_dc.scenario import Account, Chat, Person, Scenario

OWNER = "demo-owner"
PLATFORM = "telegram"
ACCOUNTS = ("anna", "boris", "clara")
PEOPLE = 60
API_ID, API_HASH = 12345, "0123456789abcdef" * 2  # the data centre takes any
TOKEN_TTL = timedelta(days=30)
ACCOUNTS_MADE_AT = datetime(2024, 1, 15, tzinfo=UTC)
PARSED = "readers"
"""What parsing-service has gathered."""
_WATCH = timedelta(milliseconds=500)
_INFO = "up.txt"


def main(argv: list[str]) -> int:
    """Run until Ctrl-C; the exit status."""
    parser = argparse.ArgumentParser(prog="./run up", description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="forget the data of earlier runs")
    parser.add_argument("--workers", type=int, default=2, help="how many of our workers (2)")
    parser.add_argument("--limits", type=Path, metavar="FILE", help="policy numbers other than limits.toml")
    options = parser.parse_args(argv)
    limits = options.limits and options.limits.resolve()
    try:
        with kept_state(fresh=options.fresh) as state:
            _run(state, options.workers, limits)
    except AlreadyRunning as error:
        raise AlreadyRunning(f"{error}\n{_where()}") from None
    return 0


def up_scenario() -> Scenario:
    """Return the little world: three accounts (two may invite), a group, and people of all kinds."""
    accounts = [_account(number, name) for number, name in enumerate(ACCOUNTS)]
    people = [_person(number) for number in range(PEOPLE)]
    rights = {name: ["invite_users"] for name in ACCOUNTS[1:2]}
    club = Chat(id=500, title="The club", kind="supergroup", username="the_club", creator=ACCOUNTS[0], admins=rights)
    return Scenario(accounts=accounts, people=people, chats=[club], seed=1)


def _account(number: int, name: str) -> Account:
    return Account(
        name=name,
        user_id=1000 + number,
        phone=f"+7999000000{number}",
        api_id=API_ID,
        api_hash=API_HASH,
        username=f"{name}_sales",
    )


def _person(number: int) -> Person:
    refuses = number % 2 == 1
    return Person(
        user_id=5000 + number,
        username=f"person_{number:03}",
        first_name=f"Person {number}",
        invite="refuses" if refuses else "accepts",
        deleted=number % 20 == 19,
    )


def _run(state: State, workers: int, limits: Path | None) -> None:
    progress = Progress()
    ports_file = state.folder / "ports.json"
    ports = json.loads(ports_file.read_text()) if ports_file.exists() else {}
    with Stack(state, workers=workers, limits_file=limits, ports=ports, watched=True, progress=progress) as stack:
        _start_telegram(stack)
        ports_file.write_text(json.dumps(stack.ports))
        text = _addresses(stack)
        info = CHECKOUT / KEPT_FOLDER / _INFO
        write_private(info, text)
        progress.text(text + "\nCtrl-C stops everything; the data is kept (./run up --fresh forgets it).")
        try:
            _watch(stack)
        finally:
            info.unlink(missing_ok=True)
            progress.text("stopping")


def _start_telegram(stack: Stack) -> None:
    folder = stack.state.folder
    world = up_scenario()
    scenario.dump(world, folder / "scenario.json")
    _write_audience(folder / "people.csv")
    gathered = [
        {"user_id": each.user_id, "username": each.username, "first_name": each.first_name} for each in world.people
    ]
    stack.infrastructure.parsing.put(PARSED, OWNER, PLATFORM, gathered)
    centre = stack.start_data_centre(folder / "scenario.json", folder / "telegram.jsonl")
    for account in world.accounts:
        credentials = {
            "session": world.session_string(account.name, "127.0.0.1", centre.port),
            "api_id": str(account.api_id),
            "api_hash": account.api_hash,
        }
        # The session string names the port: where that has changed, so has the version.
        stack.register_account(
            OWNER, PLATFORM, account.name, account.name.title(), credentials, ACCOUNTS_MADE_AT,
            credentials_version=centre.port,
        )  # fmt: skip


def _write_audience(path: Path) -> None:
    path.write_text("username\n" + "".join(f"@person_{number:03}\n" for number in range(PEOPLE)))


def _addresses(stack: Stack) -> str:
    servers = stack.infrastructure
    token = stack.token(OWNER, ttl=TOKEN_TTL)
    lines = {
        "API and its docs": f"{stack.api_url}/docs",
        "Temporal Web UI": (servers.temporal and servers.temporal.ui_url) or "(not ours)",
        "Prometheus": stack.prometheus.url if stack.prometheus else prometheus.ABSENT,
        "integration-service": f"{servers.integration.url}/docs",
        "an audience to upload": str(stack.state.folder / "people.csv"),
        "a group to invite to": "@the_club",
        "people to import": f"{PARSED}  (POST /audiences/import, of parsing-service: {servers.parsing.url}/docs)",
        "logs": str(stack.state.logs),
        f"token of {OWNER}": f"(valid {TOKEN_TTL.days} days)\n{token}",
    }
    return "\n" + "\n".join(f"{name:<22}{value}" for name, value in lines.items())


def _watch(stack: Stack) -> None:
    """Wait; ServerFailed when a process ends by itself."""
    while True:
        for server in stack.processes:
            if not server.running.alive():
                raise ServerFailed(server.name, "has ended", server.log, server.running.last_lines())
        time.sleep(_WATCH.total_seconds())


def _where() -> str:
    try:
        return (CHECKOUT / KEPT_FOLDER / _INFO).read_text()
    except FileNotFoundError:
        return "it is just starting"
