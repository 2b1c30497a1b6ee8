"""A small Telegram for the adapter's tests: who lives there, and how one signs in."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from adapters.telegram.adapter import TelegramAdapter
from devstack.telegram_dc.journal import Joined, Message
from devstack.telegram_dc.scenario import Account, Chat, Fault, Scenario
from devstack.telegram_dc.scenario import Person as Inhabitant
from devstack.telegram_dc.server import TelegramDC
from domain.account import Credentials
from domain.ports import Session
from domain.recipient import Person
from tests.adapters.contract import signed_in

API_HASH = "0123456789abcdef0123456789abcdef"
PATIENT = TelegramAdapter(deadline=timedelta(seconds=20))
HASTY = TelegramAdapter(deadline=timedelta(seconds=0.3))

ANNA = Person(0, username="anna")
NOBODY = Person(1, username="nobody_at_all")


def town() -> Scenario:
    """Accounts with different rights, people with different manners."""
    names = ["owner", "admin", "weak_admin", "member", "outsider"]
    accounts = [
        Account(name, number, f"+7000000000{number}", 5, API_HASH, username=f"acc_{name}")
        for number, name in enumerate(names, 1)
    ]
    people = [
        Inhabitant(100, "anna"),
        Inhabitant(101, "refuses", invite="refuses", message="refuses_privacy"),
        Inhabitant(102, "silently", invite="refuses_silently"),
        Inhabitant(103, "premium", invite="needs_premium", message="premium_only"),
        Inhabitant(104, "joiner", invite="too_many_channels"),
        Inhabitant(105, "blocker", invite="blocked", message="blocked"),
        Inhabitant(106, "stranger", invite="not_mutual"),
        Inhabitant(107, "deleted", deleted=True),
        Inhabitant(108, "robot", bot=True),
        Inhabitant(109, "kicked", kicked_from=["club"]),
        Inhabitant(110, "paid", message="paid"),
        Inhabitant(111, "inside"),
        Inhabitant(112, None),
    ]
    admins = {"admin": ["invite_users"], "weak_admin": ["ban_users"]}
    chats = [
        Chat(500, "The club", "supergroup", "club", "owner", dict(admins), members=[4, 111]),
        Chat(501, "The news", "channel", "news", "owner", dict(admins)),
        Chat(502, "Full house", "supergroup", "full_house", "owner", full=True),
    ]
    return Scenario(accounts=accounts, people=people, chats=chats)


def credentials(dc: TelegramDC, account: str) -> Credentials:
    """What Vault holds of the account."""
    return {"session": dc.session_string(account), "api_id": "5", "api_hash": API_HASH}


async def sign_in(dc: TelegramDC, account: str = "owner", adapter: TelegramAdapter = PATIENT) -> Session:
    """The account's session."""
    return await signed_in(adapter, credentials(dc, account))


def strike(dc: TelegramDC, method: str, kind: str, account: str | None = None, **more: object) -> None:
    """From now on the fault strikes, once unless said otherwise."""
    dc.add_fault(Fault(account, method, kind=kind, **more))  # type: ignore[arg-type]


def joined(dc: TelegramDC, user_id: int = 100) -> int:
    """How often the person became a member of something."""
    return sum(each.user == user_id for each in dc.journal.of(Joined))


def delivered(dc: TelegramDC, user_id: int = 100) -> int:
    """How many messages reached the person."""
    return sum(each.to_user == user_id for each in dc.journal.of(Message))


def asked(dc: TelegramDC, method: str) -> int:
    """How many such requests the data centre got."""
    return sum(each.method == method for each in dc.journal.requests())


async def until(condition: Callable[[], bool], within: float = 5) -> None:
    """Wait for the condition; TimeoutError if it does not come."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)
