"""A stack in which every secret and everything about people is a canary, and all that is done to it goes wrong."""

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from temporalio.client import Client

from devstack.ports import HOST
from devstack.programs import Api, Worker
from devstack.server import start_all
from devstack.stack import Stack
from devstack.telegram_dc import scenario
from devstack.telegram_dc.scenario import Account, Chat, Fault, Person, Scenario
from devstack.temporal import NAMESPACE
from devstack.tokens import Issuer
from tests.e2e.town import CLUB, limits_file
from tests.operations.canaries import Canary, Kind
from tests.operations.outside import HOOK, SENTRY, SPANS, Outside, outside

T = TypeVar("T")

OWNER, OTHER = "owner-of-canaries", "owner-of-nothing"
FILE_NAME = "kanarek-list.csv"
TEXT, EDITED = "Zwitscher-{{first_name}}, komm {heute|morgen} ins Vogelhaus", "Trillernd zum Nistkasten"
REMARK = "Federkleid abgelegt"
"""Why somebody stands on the do-not-contact list."""
INVITE = "channels.InviteToChannel"
PATIENCE = 40.0
"""Seconds for anything to happen."""
LATE = "late"
"""Signs in when Vault is away."""
ACCOUNTS = ("good", "flood", "spam", "banned", "out", "odd", "silent", "cut", LATE, "member")
"""Those whom the platform knows; `member` is no admin. The others meet what they are named for."""
UNFORESEEN, UNSTORABLE, BY_PHONE, ERASED, LISTED = 3, 4, 5, 6, 7
"""People of their own: the database refuses one's address and another's row; one is found by number only; one is
erased; one stands on the do-not-contact list."""
PEOPLE = 50
USERNAMES, PHONES, USER_IDS = "kanarek_", "151234567", "77001234567890"
FIRST_NAMES, LAST_NAMES, COLUMN, PLUMAGE = "Канарейка", "Певчая", "Клетка", "Plumage"
"""How all of them begin; phones behind the country's code."""
_REFUSE = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF to_jsonb(NEW) ->> TG_ARGV[0] = TG_ARGV[1] THEN
            RAISE unique_violation USING MESSAGE = 'duplicate key value violates unique constraint',
                                         DETAIL = format('Key (%s)=(%s) already exists.', TG_ARGV[0], TG_ARGV[1]);
        END IF;
        RETURN NEW;
    END $$
"""
FAMILIES = (USERNAMES, PHONES, USER_IDS, FIRST_NAMES, LAST_NAMES, COLUMN, PLUMAGE)


@dataclass(frozen=True)
class Bird:
    """Somebody who is invited."""

    number: int

    @property
    def username(self) -> str:
        """As a list has it."""
        return f"{USERNAMES}{self.number:02}"

    @property
    def phone(self) -> str:
        """With its plus."""
        return f"+49{PHONES}{self.number:02}"

    @property
    def user_id(self) -> int:
        """On the platform."""
        return int(f"{USER_IDS}{self.number:02}")

    @property
    def canaries(self) -> list[Canary]:
        """All that is known of them."""
        values = {
            "username": self.username,
            "phone": self.phone,
            "user id": str(self.user_id),
            "first name": self.first_name,
            "last name": self.last_name,
            "extra column": self.city,
            "name on the platform": self.plumage,
        }
        return [Canary(f"{name} of {self.number}", Kind.PERSON, value) for name, value in values.items()]

    @property
    def first_name(self) -> str:
        """In letters that are escaped here and there."""
        return f"{FIRST_NAMES}{self.number:02}"

    @property
    def last_name(self) -> str:
        """The same."""
        return f"{LAST_NAMES}{self.number:02}"

    @property
    def city(self) -> str:
        """The value of a column of the owner's own."""
        return f"{COLUMN} {self.number:02} & Co"

    @property
    def plumage(self) -> str:
        """The name that the platform tells."""
        return f"{PLUMAGE}{self.number:02}"


BIRDS = [Bird(number) for number in range(PEOPLE)]


@dataclass(frozen=True)
class Told:
    """What the API answered to a request. Both as they went over the wire, but for the body's length."""

    request: bytes
    status: int
    answer: bytes


@dataclass
class Aviary:
    """It. `secrets`: by what they are. `debugged`: names campaigns. `journal`: the platform's. `metrics`: where they
    are. `told`: all that the API has answered.
    """

    stack: Stack
    outside: Outside
    api: Api
    worker: Worker
    secrets: dict[str, str]
    client: httpx.Client
    debugged: Path
    journal: Path
    metrics: list[str] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)

    def ask(self, method: str, path: str, token: str | None = None, expect: int | None = None, **body: Any) -> Any:
        """Ask the API as the owner, or with this token; its JSON, if it answers any."""
        headers = {"Authorization": f"Bearer {self.secrets['token'] if token is None else token}"}
        headers |= body.pop("headers", {})
        answer = self.client.request(method, self.api.url + path, headers=headers, **body)
        sent = answer.request
        request = f"{sent.method} {sent.url} {sent.headers.raw!r}".encode() + sent.read()
        head = f"{answer.status_code} {answer.headers.raw!r}".encode()
        self.told.append(Told(request, answer.status_code, head + answer.content))
        assert expect is None or answer.status_code == expect, answer.text
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.json() if is_json and answer.content else None

    def temporal(self, doing: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
        """Do it with a client of Temporal's."""

        async def done() -> T:
            return await doing(await Client.connect(self.stack.infrastructure.temporal_address, namespace=NAMESPACE))

        return asyncio.run(done())

    def rows(self, query: sql.Composable | str, *values: object) -> list[tuple[Any, ...]]:
        """The superuser's look into the database; its own statements are not logged."""
        with self.admin() as connection:
            cursor = connection.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []

    def admin(self) -> psycopg.Connection:
        """The superuser's connection."""
        servers = self.stack.infrastructure
        quiet = "-c log_min_duration_statement=-1 -c log_statement=none"
        dsn = make_conninfo(servers.cluster.admin_dsn, dbname=servers.database, options=quiet)
        return psycopg.connect(dsn, autocommit=True)

    def wait(self, until: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
        """Until it holds."""
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, f"{what}; the worker says\n{self.worker.running.last_lines()}"
            time.sleep(0.1)

    @property
    def canaries(self) -> list[Canary]:
        """All of them, by families; the access hashes too that accounts have been told."""
        found = [Canary(name, Kind.SECRET, value) for name, value in self.secrets.items()]
        found += [Canary(family, Kind.PERSON, family) for family in FAMILIES]
        hashes = {value.partition(":")[2] for (value,) in self.rows("SELECT value FROM address_book")}
        found += [Canary("access hash", Kind.PERSON, each) for each in hashes if len(each) > 10]
        found += [Canary("file name", Kind.PERSON, FILE_NAME), Canary("remark", Kind.PERSON, REMARK)]
        parts = [TEXT.partition("{")[0], TEXT.rpartition("}")[2].strip(), EDITED]
        return found + [Canary("message", Kind.TEXT, each) for each in parts]


@contextmanager
def aviary(folder: Path) -> Iterator[Aviary]:
    """Start everything; nothing has been asked of it yet."""
    keys = {
        name: f"{name.replace(' ', '-')}-{secrets.token_urlsafe(32)}"
        for name in ("jwt secret", "service jwt secret", "webhook key", "hook secret", "idempotency key")
    }
    keys |= {"api hash": secrets.token_hex(16), "proxy password": "proxy-" + secrets.token_urlsafe(16)}
    keys |= {"sentry key": secrets.token_hex(16), "bad session": "session-" + secrets.token_urlsafe(32)}
    with outside() as others, httpx.Client(trust_env=False, timeout=30) as client:
        sentry = others.url.replace("://", f"://{keys['sentry key']}@")
        settings = {
            "INVITE_LOG_LEVEL": "DEBUG",
            "INVITE_DEBUG_FILE": str(folder / "debugged"),
            "INVITE_SENTRY_DSN": f"{sentry}{SENTRY}/1",
            "INVITE_JWT_SECRET": keys["jwt secret"],
            "INVITE_SERVICE_JWT_SECRET": keys["service jwt secret"],
            "INVITE_WEBHOOK_KEY": keys["webhook key"],
            "INVITE_HOOK_SECRET": keys["hook secret"],
            "INVITE_TRACES_ENDPOINT": others.url,
            "INVITE_INTEGRATION_URL": f"{others.url}/integration",
            "INVITE_PARSING_URL": f"{others.url}/parsing",
            "INVITE_REQUEST_DEADLINE": "2s",
            "INVITE_VAULT_TIMEOUT": "1s",
            "INVITE_REMEMBER": "1s",
            "INVITE_POLL_WAITING": "1s",
            "INVITE_ADMIN_CHECK_WAIT": "3s",
        }
        limits = limits_file(folder)
        with Stack.temporary(
            workers=0, api=False, durable=False, temporal_ui=False, limits_file=limits, settings=settings
        ) as stack:
            here = _started(stack, others, client, keys, folder)
            try:
                yield here
            finally:
                for process in (here.worker, here.api):  # in no good order, which would take seconds
                    process.kill()


def _started(stack: Stack, others: Outside, client: httpx.Client, keys: dict[str, str], folder: Path) -> Aviary:
    api_settings, worker_settings = stack.environment("api"), stack.environment("worker")
    keys["role id"] = worker_settings["INVITE_VAULT_ROLE_ID"]
    keys["secret id"] = worker_settings["INVITE_VAULT_SECRET_ID"]
    for role in ("owner", "api", "worker"):
        url = httpx.URL(stack.environment(role)["INVITE_DATABASE_URL"].replace("+psycopg", ""))
        keys[f"password of {role}"] = url.password
    issuer = Issuer(keys["jwt secret"])
    keys |= {"token": issuer.token(OWNER), "other token": issuer.token(OTHER)}
    keys |= {"expired token": issuer.token(OWNER, ttl=timedelta(minutes=-5)), "no role": issuer.token(OWNER, ["none"])}
    keys["any token"] = keys["token"].partition(".")[0]
    api = Api(stack.state.logs / "api.log", api_settings, measured=True)
    worker = Worker("worker", stack.state.logs / "worker.log", worker_settings, measured=True)
    here = Aviary(stack, others, api, worker, keys, client, folder / "debugged", folder / "journal.jsonl")
    _populate(here, folder)
    _arm(here)
    start_all([api, worker])
    ports = (api.metrics_port, worker.metrics_port, worker.temporal_port)
    here.metrics += [f"http://{HOST}:{port}/metrics" for port in ports]
    return here


def _populate(here: Aviary, folder: Path) -> None:
    """The platform with its accounts, and what the others say of them."""
    scene = _scene(here.secrets["api hash"])
    scenario.dump(scene, folder / "scenario.json")
    centre = here.stack.start_data_centre(folder / "scenario.json", here.journal)
    vault = here.stack.infrastructure.vault
    listed = []
    for name in ACCOUNTS:
        session = scene.session_string(name, "127.0.0.1", centre.port)
        here.secrets[f"session of {name}"] = session
        here.secrets[f"auth key of {name}"] = scene.auth_key(name).hex()
        credentials = {"session": session, "api_id": "1", "api_hash": here.secrets["api hash"]}
        listed.append(_listed(name, vault.put(OWNER, "telegram", name, credentials)))
    broken = {"session": here.secrets["bad session"], "api_id": "1", "api_hash": here.secrets["api hash"]}
    listed.append(_listed("broken", vault.put(OWNER, "telegram", "broken", broken)))
    listed.append(_listed("foreign", vault.put(OTHER, "telegram", "foreign", broken)))
    listed.append(_listed("inline", "") | {"credentials": broken})
    proxy = {"type": "socks5", "host": "127.0.0.1", "port": str(centre.port), "username": "canary"}
    good = _listed("good", f"owners/{OWNER}/telegram/good")
    listed.append(good | {"id": "proxied", "proxy": proxy | {"password": here.secrets["proxy password"]}})
    here.outside.says("/integration/accounts", listed)
    here.outside.says("/integration/accounts/check", b"", 204)
    for path in (SENTRY, HOOK, SPANS, "/integration/", "/parsing/"):
        here.outside.says(path, b"{}")


def _listed(name: str, path: str) -> dict[str, Any]:
    return {
        "id": name,
        "label": name,
        "platform": "telegram",
        "status": "active",
        "created_at": "2024-01-01T00:00:00Z",
        "credentials_version": 1,
        "vault_path": path,
    }


def _scene(api_hash: str) -> Scenario:
    accounts = [
        Account(name=name, user_id=1000 + number, phone=f"+7998000{number:04}", api_id=1, api_hash=api_hash)
        for number, name in enumerate(ACCOUNTS)
    ]
    policies = ("accepts", "refuses", "refuses_silently", "accepts", "blocked", "too_many_channels")
    people = [
        Person(
            user_id=bird.user_id,
            username=bird.username,
            phone=bird.phone,
            first_name=bird.plumage,
            invite=policies[bird.number % len(policies)],
            message="refuses_privacy" if bird.number % 4 == 1 else "accepts",
            deleted=bird.number % 10 == 9,
        )
        for bird in BIRDS
        if bird.number % 10 != 8  # whom the platform does not know
    ]
    club = Chat(
        id=CLUB,
        title="The club",
        kind="supergroup",
        username="the_club",
        creator="good",
        admins={name: ["invite_users"] for name in ACCOUNTS[1:-1]},
        members=[1000 + len(ACCOUNTS) - 1],
    )
    return Scenario(accounts=accounts, people=people, chats=[club], faults=_faults(), seed=1)


def _faults() -> list[Fault]:
    bird = BIRDS[0]
    word = f"NO_WAY_TO_{bird.username}_{bird.phone.removeprefix('+')}_{bird.user_id}_{bird.plumage}".upper()
    return [
        Fault("flood", INVITE, kind="flood_wait", seconds=2),
        Fault("spam", INVITE, kind="peer_flood", seconds=3),
        Fault("banned", "channels.GetParticipant", kind="ban"),
        Fault("out", "contacts.ResolveUsername", after=1, kind="session_revoked"),
        Fault("odd", "contacts.ResolveUsername", after=1, kind="rpc_error", error=word),
        Fault("odd", INVITE, times=2, kind="rpc_error", error=word),
        Fault("odd", "messages.SendMessage", kind="server_error", error=word),
        Fault("silent", INVITE, kind="silence"),
        Fault("cut", INVITE, kind="drop_after"),
    ]


def _arm(here: Aviary) -> None:
    """Log every statement, and have the database refuse two people and name them, as it does for an error of ours."""
    refused: Mapping[str, tuple[str, str]] = {
        "address_book": ("identifier", f"username:{BIRDS[UNFORESEEN].username}"),
        "audience_recipient": ("username", BIRDS[UNSTORABLE].username),
    }
    here.rows("ALTER SYSTEM SET log_min_duration_statement = 0")
    here.rows("SELECT pg_reload_conf()")
    here.rows(_REFUSE)
    for table, names in refused.items():
        trigger = sql.SQL("CREATE TRIGGER refused BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION refuse({}, {})")
        here.rows(trigger.format(sql.Identifier(table), *map(sql.Literal, names)))
