"""The demonstration's world: the file, the people behind it, the accounts with their fates, the group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from random import Random

from devstack.demo import audience_file
from devstack.demo.people import Invitee, invitees, named
from devstack.telegram_dc.scenario import Account, Chat, Fault, FaultKind, Latency, Person, Scenario

CHAT_ID = 500
API_ID, API_HASH = 12345, "0123456789abcdef" * 2  # the data centre takes any
FLOOD_WAIT_SECONDS = 6
PEER_FLOOD_SECONDS = 6
"""Shorter than the first rest of limits.toml."""
LATENCY = Latency(0.005, 0.03)
INVITE = "channels.InviteToChannel"
_NAMES = ("anna", "boris", "clara", "dmitri", "elena", "fyodor")


class Fate(StrEnum):
    """What an account meets."""

    PLAIN = "nothing"
    NOT_ADMIN = "is not an administrator of the group"
    FLOOD_WAIT = "meets FloodWait"
    PEER_FLOOD = "meets PeerFlood"
    BANNED = "is banned on the way"


FATES = (Fate.PLAIN, Fate.NOT_ADMIN, Fate.FLOOD_WAIT, Fate.PEER_FLOOD, Fate.BANNED)
"""Of the first accounts; the others are plain."""
_STRIKES: Mapping[Fate, tuple[FaultKind, float, float]] = {
    Fate.FLOOD_WAIT: ("flood_wait", FLOOD_WAIT_SECONDS, 0.025),
    Fate.PEER_FLOOD: ("peer_flood", PEER_FLOOD_SECONDS, 0.035),
    Fate.BANNED: ("ban", 0, 0.045),
}
"""The fault, its seconds, and after how many of the account's invitations it strikes, as a share of the people."""


@dataclass(frozen=True)
class World:
    """`people`: user ids by username or phone; None: Telegram knows nobody of that name.

    `expected`: how many people the file holds once it is cleaned, where we know. `chat_id`: of the group that they are
    invited to.
    """

    scenario: Scenario
    people: Mapping[str, int | None]
    content: bytes
    file_name: str
    fates: Mapping[str, Fate]
    expected: int | None = None
    chat_id: int = CHAT_ID

    @property
    def group(self) -> str:
        """The group's username."""
        return next(chat.username or "" for chat in self.scenario.chats if chat.id == self.chat_id)


def made(recipients: int, accounts: int, seed: int, meets: Sequence[Fate] = FATES) -> World:
    """A world of so many people and accounts; the same seed makes the same one. `meets`: what the first accounts do."""
    random = Random(seed)
    listed = invitees(recipients, random)
    fates = dict(zip(account_names(accounts), [*meets, *[Fate.PLAIN] * accounts], strict=False))
    return World(
        scenario=scenario_of(
            [each.person for each in listed if each.person is not None],
            fates,
            {CHAT_ID: "demo_spring_meeting"},
            [fault for name, fate in fates.items() for fault in _faults(name, fate, recipients)],
            seed,
        ),
        people=user_ids(listed),
        content=audience_file.written(listed, random),
        file_name="clients.csv",
        fates=fates,
        expected=recipients,
    )


def around(content: bytes, file_name: str, accounts: int, seed: int) -> World:
    """A world in which everybody exists whose username is in the user's file, and nothing goes wrong."""
    people = named(audience_file.usernames(content))
    taken = {each.username for each in people if each.username}
    group = next(name for name in (f"demo_group_{number}" for number in count()) if name not in taken)
    fates = dict.fromkeys(account_names(accounts), Fate.PLAIN)
    return World(
        scenario=scenario_of(people, fates, {CHAT_ID: group}, [], seed),
        people={each.username: each.user_id for each in people if each.username},
        content=content,
        file_name=file_name,
        fates=fates,
    )


def user_ids(listed: Sequence[Invitee]) -> dict[str, int | None]:
    """Who is behind each username or phone of the list."""
    return {each.key: each.person.user_id if each.person else None for each in listed}


def scenario_of(
    people: list[Person], fates: Mapping[str, Fate], groups: Mapping[int, str], faults: list[Fault], seed: int
) -> Scenario:
    """What the data centre plays. `groups`: usernames by chat id."""
    admins = {name: ["invite_users"] for name, fate in fates.items() if fate is not Fate.NOT_ADMIN}
    return Scenario(
        accounts=[_account(number, name) for number, name in enumerate(fates)],
        people=people,
        chats=[
            Chat(chat_id, "Spring meeting", "supergroup", username=group, admins=admins)
            for chat_id, group in groups.items()
        ],
        faults=faults,
        seed=seed,
        latency=LATENCY,
    )


def account_names(accounts: int) -> Sequence[str]:
    """What so many accounts are called."""
    return [*_NAMES, *(f"account-{number}" for number in range(len(_NAMES) + 1, accounts + 1))][:accounts]


def _account(number: int, name: str) -> Account:
    return Account(name, 1000 + number, f"+7999{number:07}", API_ID, API_HASH)


def _faults(name: str, fate: Fate, recipients: int) -> list[Fault]:
    if fate not in _STRIKES:
        return []
    kind, seconds, share = _STRIKES[fate]
    return [Fault(name, INVITE, after=max(1, round(share * recipients)), kind=kind, seconds=seconds)]
