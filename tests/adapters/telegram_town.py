"""A small Telegram for the adapter's tests: who lives there, and how one signs in."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from adapters.telegram.adapter import TelegramAdapter
from devstack.telegram_dc.journal import ContactAdded, Forwarded, Joined, Message
from devstack.telegram_dc.scenario import Account, Chat, Fault, InviteLink, Post, Scenario
from devstack.telegram_dc.scenario import Person as Inhabitant
from devstack.telegram_dc.server import TelegramDC
from domain.account import Credentials
from domain.ports import AddressBook, Session
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
        Inhabitant(113, "beata"),
        Inhabitant(120, "olga", "+79991110020"),
        Inhabitant(121, None, "+79991110021"),
        Inhabitant(122, None, "+79991110022", phone_hidden=True),
    ]
    admins = {"admin": ["invite_users"], "weak_admin": ["ban_users"]}
    chats = [
        Chat(500, "The club", "supergroup", "club", "owner", dict(admins), members=[4, 111]),
        Chat(501, "The news", "channel", "news", "owner", dict(admins), posts=[Post(7, "Read this")]),
        Chat(502, "Full house", "supergroup", "full_house", "owner", full=True),
        *_later_chats(admins),
    ]
    return Scenario(accounts=accounts, people=people, chats=chats)


def _later_chats(admins: dict[str, list[str]]) -> list[Chat]:
    """Private ones, basic groups, and what an owner should be warned of."""
    closed = {"private": True, "creator": "owner"}
    return [
        Chat(510, "The cellar", "supergroup", admins=dict(admins), members=[111], invite_hash="CellarHash10", **closed),
        Chat(511, "The attic", "channel", admins=dict(admins), invite_hash="AtticHash_10", **closed),
        Chat(
            512, "Family", "basic", creator="owner", admins=dict(admins), members=[4, 111], invite_hash="FamilyHash10"
        ),
        Chat(
            513, "Village", "basic", creator="owner", members=[4], members_may_invite=True, invite_hash="VillageHash1"
        ),
        Chat(514, "Open door", "supergroup", "open_door", "owner", members=[4], members_may_invite=True, slow_mode=30),
        Chat(515, "Forum", "supergroup", "the_forum", "owner", forum=True),
        Chat(516, "Big news", "channel", "big_news", "owner", unlisted_members=199),
        Chat(517, "Soon big", "channel", "soon_big", "owner", unlisted_members=189),
        Chat(518, "Crowd", "basic", creator="owner", unlisted_members=0, invite_hash="CrowdHash_10", members=[111]),
        Chat(519, "Secretive", "channel", "secretive", "owner", noforwards=True, posts=[Post(1, "Not for others")]),
        Chat(520, "By request", "supergroup", links=[InviteLink("RequestHash1", request_needed=True)], **closed),
    ]


def credentials(dc: TelegramDC, account: str) -> Credentials:
    """What Vault holds of the account."""
    return {"session": dc.session_string(account), "api_id": "5", "api_hash": API_HASH}


async def sign_in(
    dc: TelegramDC,
    account: str = "owner",
    adapter: TelegramAdapter = PATIENT,
    book: AddressBook | None = None,
) -> Session:
    """The account's session."""
    return await signed_in(adapter, credentials(dc, account), book)


def strike(dc: TelegramDC, method: str, kind: str, account: str | None = None, **more: object) -> None:
    """From now on the fault strikes, once unless said otherwise."""
    dc.add_fault(Fault(account, method, kind=kind, **more))  # type: ignore[arg-type]


def joined(dc: TelegramDC, user_id: int = 100) -> int:
    """How often the person became a member of something."""
    return sum(each.user == user_id for each in dc.journal.of(Joined))


def delivered(dc: TelegramDC, user_id: int = 100) -> int:
    """How many messages and forwards reached the person."""
    return sum(each.to_user == user_id for each in [*dc.journal.of(Message), *dc.journal.of(Forwarded)])


def contacts(dc: TelegramDC, user_id: int = 100) -> int:
    """How often the person was added to somebody's contacts."""
    return sum(each.user == user_id for each in dc.journal.of(ContactAdded))


def lookups(dc: TelegramDC) -> int:
    """How often somebody was looked up."""
    return asked(dc, "contacts.ResolveUsername") + asked(dc, "contacts.ImportContacts")


def asked(dc: TelegramDC, method: str) -> int:
    """How many such requests the data centre got."""
    return sum(each.method == method for each in dc.journal.requests())


async def until(condition: Callable[[], bool], within: float = 5) -> None:
    """Wait for the condition; TimeoutError if it does not come."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)
