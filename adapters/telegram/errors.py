"""What Telegram's errors mean to us: one table, by class, then by name, then by code (facts/telegram.md (b)).

An error that Telegram answers says that the request was not carried out, unless it is an internal one of the
server (500, 503) or one that nobody here has thought about: those leave an action in doubt.
"""

import re
from datetime import timedelta
from enum import Enum
from typing import Any

from telethon import errors as e

from domain.errors import InDoubt, Unavailable
from domain.outcome import Kind, Outcome, Reason

PLATFORM = "Telegram"


class Doing(Enum):
    """What the request was for."""

    READ = "read"
    INVITE = "invite"
    MESSAGE = "message"
    FORWARD = "forward"
    CONTACT = "contact"
    JOIN = "join"


_NEVER_IN_DOUBT = frozenset({Doing.READ, Doing.JOIN})
"""Reads have no effect, and who joins a second time is told so: they are simply done again."""


class Fate(Enum):
    """What an error that is no outcome says about the request."""

    NAMED_WAIT = "named_wait"
    NOT_DONE = "not_done"
    UNKNOWN = "unknown"


class Lost(Exception):
    """The connection broke, or the deadline passed, between the handing over of a request and its answer."""


Verdict = Outcome | Fate

GROUPS: tuple[tuple[Verdict, tuple[type[Exception], ...]], ...] = (
    # The account must wait.
    (
        Fate.NAMED_WAIT,
        (e.FloodWaitError, e.FloodPremiumWaitError, e.SlowModeWaitError, e.FloodTestPhoneWaitError,
         e.TakeoutInitDelayError, e.TwoFaConfirmWaitError),
    ),
    (Outcome(Kind.LIMITED, Reason.PEER_FLOOD), (e.PeerFloodError,)),
    (
        Outcome(Kind.LIMITED, Reason.RESTRICTED),
        (e.UserRestrictedError, e.UserBannedInChannelError, e.ChannelsTooMuchError),
    ),
    # The account is gone.
    (
        Outcome(Kind.BLOCKED, Reason.SIGNED_OUT),
        (e.AuthKeyUnregisteredError, e.AuthKeyInvalidError, e.AuthKeyPermEmptyError, e.SessionRevokedError,
         e.SessionExpiredError, e.SessionPasswordNeededError, e.ActiveUserRequiredError, e.AuthKeyNotFound),
    ),
    (Outcome(Kind.BLOCKED, Reason.SESSION_DESTROYED), (e.AuthKeyDuplicatedError,)),
    (
        Outcome(Kind.BLOCKED, Reason.BANNED),
        (e.UserDeactivatedBanError, e.UserDeactivatedError, e.PhoneNumberBannedError),
    ),
    (Outcome(Kind.BLOCKED, Reason.FROZEN), (e.FrozenMethodInvalidError, e.FrozenParticipantMissingError)),
    (
        Outcome(Kind.BLOCKED, Reason.BAD_CREDENTIALS),
        (e.ApiIdInvalidError, e.ApiIdPublishedFloodError, e.ConnectionApiIdInvalidError),
    ),
    # The person does not want, or is not allowed.
    (
        Outcome(Kind.REFUSED, Reason.PRIVACY),
        (e.UserPrivacyRestrictedError, e.VoiceMessagesForbiddenError, e.ChatSendPlainForbiddenError),
    ),
    (Outcome(Kind.REFUSED, Reason.NOT_MUTUAL_CONTACT), (e.UserNotMutualContactError,)),
    (
        Outcome(Kind.REFUSED, Reason.BLOCKED_US),
        (e.UserIsBlockedError, e.UserBlockedError, e.YouBlockedUserError),
    ),
    (Outcome(Kind.REFUSED, Reason.WAS_REMOVED), (e.UserKickedError,)),
    (Outcome(Kind.REFUSED, Reason.TOO_MANY_CHANNELS), (e.UserChannelsTooMuchError,)),
    (Outcome(Kind.REFUSED, Reason.NEEDS_PREMIUM), (e.PremiumAccountRequiredError,)),
    (Outcome(Kind.REFUSED, Reason.JOIN_REQUESTED), (e.InviteRequestSentError,)),
    # The person is not there, or is no person.
    (Outcome(Kind.UNREACHABLE, Reason.DELETED), (e.InputUserDeactivatedError, e.UserDeletedError)),
    (
        Outcome(Kind.UNREACHABLE, Reason.UNKNOWN_PERSON),
        (e.UsernameInvalidError, e.UsernameNotOccupiedError, e.UsernamePurchaseAvailableError,
         e.UserIdInvalidError, e.UserInvalidError, e.PeerIdInvalidError, e.PeerIdNotSupportedError,
         e.ParticipantIdInvalidError, e.PhoneNotOccupiedError, e.PhoneNumberInvalidError,
         e.ContactIdInvalidError, e.ContactNameEmptyError, e.ContactAddMissingError, e.ContactReqMissingError,
         e.UsersTooFewError),
    ),
    (
        Outcome(Kind.UNREACHABLE, Reason.BOT),
        (e.UserBotError, e.UserIsBotError, e.UserBotInvalidError, e.BotsTooMuchError,
         e.BotGroupsBlockedError),
    ),
    # The account lacks the right; the destination is not what it should be.
    (
        Outcome(Kind.NOT_ADMIN, Reason.NO_RIGHT_TO_INVITE),
        (e.ChatAdminRequiredError, e.ChatAdminInviteRequiredError, e.RightForbiddenError,
         e.ChatWriteForbiddenError, e.ChatGuestSendForbiddenError, e.ChatForbiddenError,
         e.UserNotParticipantError, e.ChannelParicipantMissingError),
    ),
    (Outcome(Kind.DESTINATION, Reason.DESTINATION_FULL), (e.UsersTooMuchError,)),
    (Outcome(Kind.DESTINATION, Reason.DESTINATION_PRIVATE), (e.ChannelPrivateError,)),
    (
        Outcome(Kind.DESTINATION, Reason.DESTINATION_CLOSED),
        (e.ChatRestrictedError, e.ChannelBannedError, e.BroadcastForbiddenError, e.MegagroupRequiredError),
    ),
    (
        Outcome(Kind.DESTINATION, Reason.DESTINATION_UNKNOWN),
        (e.ChannelInvalidError, e.ChannelIdInvalidError, e.ChannelPublicGroupNaError, e.ChatInvalidError,
         e.ChatIdInvalidError, e.ChatIdEmptyError, e.InviteHashExpiredError, e.InviteHashInvalidError,
         e.InviteHashEmptyError),
    ),
    # The text.
    (Outcome(Kind.CONTENT, Reason.TEXT_TOO_LONG), (e.MessageTooLongError, e.InputRequestTooLongError)),
    (
        Outcome(Kind.CONTENT, Reason.TEXT_REFUSED),
        (e.MessageEmptyError, e.EntityBoundsInvalidError, e.EntitiesTooLongError,
         e.EntityMentionUserInvalidError, e.MessageIdInvalidError, e.MessageIdsEmptyError,
         e.ChatForwardsRestrictedError),
    ),
    (Outcome(Kind.CONTENT, Reason.UNKNOWN_ERROR), (e.RandomIdInvalidError, e.RandomIdEmptyError)),
    # The world.
    (
        Fate.NOT_DONE,
        (e.FileMigrateError, e.NetworkMigrateError, e.PhoneMigrateError, e.StatsMigrateError,
         e.UserMigrateError, e.MsgWaitFailedError, e.ConnectionNotInitedError, e.InputLayerInvalidError),
    ),
)  # fmt: skip

_CLASSES: dict[type[Any], Verdict] = {cls: verdict for verdict, classes in GROUPS for cls in classes}

_ONLY_THERE: dict[tuple[Doing, type[Any]], Outcome] = {
    # Telethon holds this for an internal error of the server; it says that the first try arrived.
    (Doing.MESSAGE, e.RandomIdDuplicateError): Outcome(Kind.MESSAGED),
    (Doing.FORWARD, e.RandomIdDuplicateError): Outcome(Kind.FORWARDED),
    (Doing.INVITE, e.UserAlreadyParticipantError): Outcome(Kind.ALREADY_MEMBER),
    (Doing.INVITE, e.UserAlreadyInvitedError): Outcome(Kind.ALREADY_MEMBER),
    (Doing.JOIN, e.UserAlreadyParticipantError): Outcome(Kind.ALREADY_MEMBER),
    # Here it is the account that waits for the group's administrators, and the account that is in too many.
    (Doing.JOIN, e.InviteRequestSentError): Outcome(Kind.NOT_ADMIN, Reason.JOIN_REQUESTED),
    (Doing.JOIN, e.ChannelsTooMuchError): Outcome(Kind.NOT_ADMIN, Reason.TOO_MANY_CHANNELS),
}

_NAMES: tuple[tuple[re.Pattern[str], Verdict], ...] = (
    (re.compile(r"\w*PREMIUM_REQUIRED"), Outcome(Kind.REFUSED, Reason.NEEDS_PREMIUM)),
    (re.compile(r"ALLOW_PAYMENT_REQUIRED\w*"), Outcome(Kind.REFUSED, Reason.NEEDS_PAYMENT)),
    # Says plainly that nobody was added; as an unknown one it would be asked for again and again.
    (re.compile(r"CHAT_MEMBER_ADD_FAILED"), Outcome(Kind.FAILED, Reason.UNKNOWN_ERROR)),
    (re.compile(r"FROZEN_\w+"), Outcome(Kind.BLOCKED, Reason.FROZEN)),
    (re.compile(r"\w+_WAIT_\d+"), Fate.NAMED_WAIT),
)
"""For errors that Telethon has no class for: only these carry Telegram's own word in `message`."""

BASES: tuple[tuple[type[Any], Verdict], ...] = (
    (e.UnauthorizedError, Outcome(Kind.BLOCKED, Reason.SIGNED_OUT)),
    (e.FloodError, Outcome(Kind.LIMITED, Reason.FLOOD_WAIT)),
    (e.InvalidDCError, Fate.NOT_DONE),
    (Exception, Fate.UNKNOWN),
)
"""What is in no table: by the code's class."""

_WORDS = frozenset(
    word for name in (*e.rpc_errors_dict, *(pattern for pattern, _ in e.rpc_errors_re)) for word in name.split("_")
)
"""Of which the names of Telegram's errors are made."""

_GENERIC = frozenset({e.RPCError, *e.rpcbaseerrors.base_errors.values()})


def answer(error: Exception, doing: Doing) -> Outcome:
    """The outcome that `error` stands for. `Unavailable` if nothing was done, `InDoubt` if nobody knows."""
    verdict = _ONLY_THERE.get((doing, type(error))) or _verdict(error)
    if verdict is Fate.NAMED_WAIT:
        return Outcome(Kind.RATE_LIMITED, Reason.FLOOD_WAIT, retry_after=_seconds(error))
    if isinstance(verdict, Outcome) and (doing in _NEVER_IN_DOUBT or isinstance(error, e.RPCError)):
        return _for_a_person(verdict, doing)
    if verdict is Fate.NOT_DONE or doing in _NEVER_IN_DOUBT:
        raise Unavailable(PLATFORM, _told(error)) from error
    raise InDoubt(f"{PLATFORM} may have carried out the {doing.value}: {_told(error)}") from error


def _verdict(error: Exception) -> Verdict:
    if type(error) in _CLASSES:
        return _CLASSES[type(error)]
    if type(error) in _GENERIC:
        for pattern, verdict in _NAMES:
            if pattern.fullmatch(_name(error)):
                return verdict
    if getattr(error, "seconds", None) and isinstance(error, e.FloodError):
        return Fate.NAMED_WAIT
    return next(verdict for base, verdict in BASES if isinstance(error, base))


def _for_a_person(verdict: Outcome, doing: Doing) -> Outcome:
    # No group takes part in a message to a person: its errors say that this person cannot be written to. One
    # takes part in a forward, but as where the post is from.
    if doing is Doing.FORWARD and (verdict.kind is Kind.DESTINATION or verdict.reason is Reason.TEXT_REFUSED):
        return Outcome(Kind.CONTENT, Reason.POST_UNAVAILABLE)
    if doing in (Doing.MESSAGE, Doing.FORWARD) and verdict.kind in (Kind.NOT_ADMIN, Kind.DESTINATION):
        return Outcome(Kind.REFUSED, Reason.PRIVACY)
    return verdict


def _seconds(error: Exception) -> timedelta:
    named = getattr(error, "seconds", None)
    if named is None:
        named = _name(error).rpartition("_")[2]
    return timedelta(seconds=max(1, int(named)))


def _name(error: Exception) -> str:
    """Telegram's own word where Telethon has no class for it, else the class: its `message` is the base's."""
    if type(error) in _GENERIC:
        return str(getattr(error, "message", None) or type(error).__name__).upper()
    return str(error) if isinstance(error, Lost) else type(error).__name__


def _told(error: Exception) -> str:
    """The name for logs and histories. What is no word of Telegram's might be a person's: an X stands for it."""
    if type(error) not in _GENERIC:
        return _name(error)
    return "_".join(word if word in _WORDS else "X" for word in _name(error).split("_"))
