"""The table of Telegram's errors. `telethon_errors.txt` is its approved state: every class that Telethon has.

Run this file to write it anew, and look at what changed: `python -m tests.adapters.test_telegram_errors`.
"""

import inspect
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from telethon import errors as e

from adapters.telegram.errors import BASES, GROUPS, Doing, Lost, answer
from domain.errors import InDoubt, Unavailable
from domain.outcome import Kind, Outcome, Reason

APPROVED = Path(__file__).with_name("telethon_errors.txt")
BASE_CLASSES = {e.RPCError, *e.rpcbaseerrors.base_errors.values()}
CLASSES: list[type[e.RPCError]] = sorted(
    {each for each in vars(e).values() if inspect.isclass(each) and issubclass(each, e.RPCError)} - BASE_CLASSES,
    key=lambda each: each.__name__,
)


def made(cls: Any, seconds: int = 77) -> Exception:
    """An error as Telethon makes it; a number in its name is `seconds`."""
    takes_number = "capture" in inspect.signature(cls.__init__).parameters
    error: Exception = cls(request=None, capture=seconds) if takes_number else cls(request=None)
    return error


def generic(cls: Any, name: str) -> Exception:
    """An error that Telethon has no class for."""
    error: Exception = cls(request=None, message=name, code=cls.code)
    return error


def said(error: Exception, doing: Doing) -> str:
    """What the table makes of it, in words."""
    try:
        outcome = answer(error, doing)
    except Unavailable:
        return "unavailable"
    except InDoubt:
        return "in_doubt"
    return ":".join(filter(None, (outcome.kind.value, outcome.reason.value)))


def table() -> str:
    """The whole table as text."""
    lines = (f"{cls.__name__:44} " + " ".join(f"{said(made(cls), doing):30}" for doing in Doing) for cls in CLASSES)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def test_every_class_of_telethon_has_an_approved_meaning() -> None:
    approved = set(APPROVED.read_text(encoding="utf-8").splitlines())
    present = set(table().splitlines())
    assert present == approved, (
        "Telethon or the table has changed. Decide in adapters/telegram/errors.py what new classes mean, "
        "then run python -m tests.adapters.test_telegram_errors"
        f"\nnew: {present - approved}\ngone: {approved - present}"
    )


def test_a_class_has_one_meaning() -> None:
    times = Counter(cls for _, classes in GROUPS for cls in classes)
    assert not [cls for cls, count in times.items() if count > 1]


def test_reading_and_joining_are_never_in_doubt() -> None:
    assert not [cls for cls in CLASSES if "in_doubt" in (said(made(cls), Doing.READ), said(made(cls), Doing.JOIN))]


@pytest.mark.parametrize("doing", [Doing.MESSAGE, Doing.FORWARD])
def test_what_goes_to_a_person_has_no_destination(doing: Doing) -> None:
    assert not [cls for cls in CLASSES if said(made(cls), doing).startswith(("destination", "not_admin"))]


def test_an_internal_error_leaves_an_action_in_doubt() -> None:
    internal = [cls for cls in CLASSES if issubclass(cls, (e.ServerError, e.TimedOutError))]
    doubted = {said(made(cls), Doing.INVITE) for cls in internal}
    assert doubted == {"in_doubt"}


@pytest.mark.parametrize("doing", Doing)
@pytest.mark.parametrize(
    "cls", [e.FloodWaitError, e.FloodPremiumWaitError, e.SlowModeWaitError, e.FloodTestPhoneWaitError]
)
def test_a_named_wait_is_kept(cls: type[e.FloodError], doing: Doing) -> None:
    assert answer(made(cls, seconds=38666), doing) == Outcome(
        Kind.RATE_LIMITED, Reason.FLOOD_WAIT, timedelta(seconds=38666)
    )


def test_a_wait_is_at_least_a_second() -> None:
    assert answer(made(e.FloodWaitError, seconds=0), Doing.READ).retry_after == timedelta(seconds=1)


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (generic(e.ForbiddenError, "PRIVACY_PREMIUM_REQUIRED"), "refused:needs_premium"),
        (generic(e.BadRequestError, "PRIVACY_PREMIUM_REQUIRED"), "refused:needs_premium"),
        (generic(e.ForbiddenError, "ALLOW_PAYMENT_REQUIRED_250"), "refused:needs_payment"),
        (generic(e.BadRequestError, "ALLOW_PAYMENT_REQUIRED"), "refused:needs_payment"),
        (generic(e.ServerError, "CHAT_MEMBER_ADD_FAILED"), "failed:unknown_error"),
        (generic(e.FloodError, "FROZEN_SOMETHING_NEW"), "blocked:frozen"),
        (generic(e.FloodError, "STORY_FLOOD_WAIT_33"), "rate_limited:flood_wait"),
        (generic(e.FloodError, "FLOOD_SOMEHOW"), "limited:flood_wait"),
        (generic(e.UnauthorizedError, "SOMETHING_NEW"), "blocked:signed_out"),
        (generic(e.BadRequestError, "SOMETHING_NEW"), "in_doubt"),
        (generic(e.ForbiddenError, "SOMETHING_NEW"), "in_doubt"),
        (generic(e.NotFoundError, "SOMETHING_NEW"), "in_doubt"),
        (generic(e.AuthKeyError, "SOMETHING_NEW"), "in_doubt"),
        (generic(e.ServerError, "No workers running"), "in_doubt"),
        (generic(e.TimedOutError, "Timeout"), "in_doubt"),
        (generic(e.InvalidDCError, "SOMETHING_MIGRATE_2"), "unavailable"),
        (e.RPCError(request=None, message="ODD", code=409), "in_doubt"),
        (Lost("no answer"), "in_doubt"),
        (ConnectionResetError(), "in_doubt"),
        (EOFError(), "in_doubt"),
        (e.InvalidBufferError((-429).to_bytes(4, "little", signed=True)), "in_doubt"),
        (e.AuthKeyNotFound(), "in_doubt"),
        (e.SecurityError(), "in_doubt"),
        (e.BadMessageError(None, 20), "in_doubt"),
        (e.TypeNotFoundError(1, b""), "in_doubt"),
    ],
    ids=repr,
)
def test_what_telethon_has_no_class_for(error: Exception, meaning: str) -> None:
    assert said(error, Doing.INVITE) == meaning
    assert said(error, Doing.MESSAGE) == meaning


def test_a_forgotten_key_is_an_answer_to_a_read() -> None:
    assert said(e.AuthKeyNotFound(), Doing.READ) == "blocked:signed_out"


def test_a_repeated_message_has_arrived() -> None:
    assert answer(made(e.RandomIdDuplicateError), Doing.MESSAGE) == Outcome(Kind.MESSAGED)
    assert answer(made(e.RandomIdDuplicateError), Doing.FORWARD) == Outcome(Kind.FORWARDED)
    assert said(made(e.RandomIdDuplicateError), Doing.INVITE) == "in_doubt"


def test_who_joins_speaks_of_the_account() -> None:
    assert said(made(e.InviteRequestSentError), Doing.JOIN) == "not_admin:join_requested"
    assert said(made(e.InviteRequestSentError), Doing.INVITE) == "refused:join_requested"
    assert said(made(e.ChannelsTooMuchError), Doing.JOIN) == "not_admin:too_many_channels"
    assert said(made(e.UserAlreadyParticipantError), Doing.JOIN) == "already_member"


def test_only_whole_classes_of_codes_are_decided_by_code() -> None:
    assert {base for base, _ in BASES} <= {*BASE_CLASSES, Exception}


def test_what_is_said_names_the_error_by_words_of_telegrams_and_nobody() -> None:
    """Others might be people's. Known or not, the name itself decides what it means."""
    unknown = generic(e.BadRequestError, "USER_ANNA_K_79001234567_INVALID")
    with pytest.raises(InDoubt, match=r"the message: USER_X_X_X_INVALID$"):
        answer(unknown, Doing.MESSAGE)
    with pytest.raises(Unavailable, match=r"USER_X_X_X_INVALID$"):
        answer(unknown, Doing.READ)
    assert said(generic(e.BadRequestError, "ALLOW_PAYMENT_REQUIRED_ANNA"), Doing.MESSAGE) == "refused:needs_payment"


if __name__ == "__main__":
    APPROVED.write_text(table(), encoding="utf-8")
