"""The people of the demonstration: who they are, and how they take invitations and messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from devstack.telegram_dc.scenario import InvitePolicy, MessagePolicy, Person

FIRST_USER_ID = 10_000
FIRST_PHONE = 79_160_000_000

_FIRST_NAMES = (
    ("anna", "Анна"), ("boris", "Борис"), ("vera", "Вера"), ("gleb", "Глеб"), ("daria", "Дарья"),
    ("egor", "Егор"), ("zhanna", "Жанна"), ("ivan", "Иван"), ("ksenia", "Ксения"), ("lev", "Лев"),
    ("maria", "Мария"), ("nikita", "Никита"), ("olga", "Ольга"), ("pavel", "Павел"), ("rita", "Рита"),
    ("semyon", "Семён"), ("tamara", "Тамара"), ("ulyana", "Ульяна"), ("fyodor", "Фёдор"), ("yulia", "Юлия"),
)  # fmt: skip
_LAST_NAMES = ("orlov", "kotov", "zimin", "belov", "gusev", "lisin", "chaykin", "volkov", "sokolov")


@dataclass(frozen=True)
class Sort:
    """People of one sort, and their share of all. `unknown`: nobody on Telegram has the username."""

    share: float
    invite: InvitePolicy = "accepts"
    message: MessagePolicy = "accepts"
    deleted: bool = False
    bot: bool = False
    unknown: bool = False
    phone_only: bool = False


ACCEPTS = Sort(1.0)
SORTS = (
    Sort(0.190, invite="refuses"),
    Sort(0.170, invite="refuses_silently"),
    Sort(0.030, invite="not_mutual"),
    Sort(0.020, invite="needs_premium"),
    Sort(0.020, invite="too_many_channels"),
    Sort(0.020, invite="refuses", message="refuses_privacy"),
    Sort(0.014, invite="refuses_silently", message="premium_only"),
    Sort(0.014, invite="refuses", message="paid"),
    Sort(0.014, invite="refuses_silently", message="blocked"),
    Sort(0.014, invite="blocked"),
    Sort(0.014, deleted=True),
    Sort(0.014, unknown=True),
    Sort(0.007, bot=True),
    Sort(0.020, phone_only=True),
)
"""About half refuse the invitation; who is of no sort here accepts everything."""


@dataclass(frozen=True)
class Invitee:
    """Somebody on the list. `person`: as Telegram knows them; None where it does not."""

    username: str | None
    phone: str | None
    first_name: str
    person: Person | None

    @property
    def key(self) -> str:
        """What a report calls them by."""
        return self.username or self.phone or ""


def invitees(count: int, random: Random) -> list[Invitee]:
    """So many people, each with a username or a phone of their own."""
    sorts = [each for each in SORTS for _ in range(round(each.share * count))][:count]
    sorts += [ACCEPTS] * (count - len(sorts))
    random.shuffle(sorts)
    return [_invitee(number, sort, random) for number, sort in enumerate(sorts)]


def named(usernames: Sequence[str]) -> list[Person]:
    """Somebody behind each of these usernames; every second one refuses invitations."""
    return [
        Person(FIRST_USER_ID + number, name, invite="refuses" if number % 2 else "accepts")
        for number, name in enumerate(usernames)
    ]


def _invitee(number: int, sort: Sort, random: Random) -> Invitee:
    latin, first_name = random.choice(_FIRST_NAMES)
    username = f"{latin}_{random.choice(_LAST_NAMES)}_{number:03}"
    phone = f"+{FIRST_PHONE + number}"
    person = Person(
        FIRST_USER_ID + number,
        username,
        phone,
        first_name,
        invite=sort.invite,
        message=sort.message,
        deleted=sort.deleted,
        bot=sort.bot,
    )
    if sort.phone_only:
        return Invitee(None, phone, first_name, person)
    has_phone = random.random() < 0.2
    return Invitee(username, phone if has_phone else None, first_name, None if sort.unknown else person)
