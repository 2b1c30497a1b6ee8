"""What became of one attempt: the platform's answer as a value, named for who must act on it (DESIGN §7)."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Party(StrEnum):
    """Who must act on an outcome."""

    NOBODY = "nobody"
    RECIPIENT = "recipient"
    ACCOUNT = "account"
    DESTINATION = "destination"
    CONTENT = "content"
    WORLD = "world"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """The outcomes."""

    INVITED = "invited"
    ALREADY_MEMBER = "already_member"
    MESSAGED = "messaged"
    FORWARDED = "forwarded"
    CONTACT_ADDED = "contact_added"
    LINK_SENT = "link_sent"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate_limited"
    LIMITED = "limited"
    BLOCKED = "blocked"
    NOT_ADMIN = "not_admin"
    DESTINATION = "destination"
    CONTENT = "content"
    POSTPONED = "postponed"
    UNAVAILABLE = "unavailable"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def party(self) -> Party:
        """Who must act."""
        return _PARTIES[self]


_PARTIES = {
    Kind.INVITED: Party.NOBODY,
    Kind.ALREADY_MEMBER: Party.NOBODY,
    Kind.MESSAGED: Party.NOBODY,
    Kind.FORWARDED: Party.NOBODY,
    Kind.CONTACT_ADDED: Party.NOBODY,
    Kind.LINK_SENT: Party.NOBODY,
    Kind.REFUSED: Party.RECIPIENT,
    Kind.UNREACHABLE: Party.RECIPIENT,
    Kind.RATE_LIMITED: Party.ACCOUNT,
    Kind.LIMITED: Party.ACCOUNT,
    Kind.BLOCKED: Party.ACCOUNT,
    Kind.NOT_ADMIN: Party.ACCOUNT,
    Kind.DESTINATION: Party.DESTINATION,
    Kind.CONTENT: Party.CONTENT,
    Kind.POSTPONED: Party.ACCOUNT,
    Kind.UNAVAILABLE: Party.WORLD,
    Kind.UNCERTAIN: Party.UNKNOWN,
    Kind.FAILED: Party.NOBODY,
    Kind.SKIPPED: Party.NOBODY,
    Kind.CANCELLED: Party.NOBODY,
}

SUCCESSES = frozenset(
    {Kind.INVITED, Kind.ALREADY_MEMBER, Kind.MESSAGED, Kind.FORWARDED, Kind.CONTACT_ADDED, Kind.LINK_SENT}
)
"""The recipient has got what the campaign wanted."""

ERRORS = frozenset({Kind.FAILED, Kind.UNCERTAIN})
"""A campaign that holds one of these ends `done_with_errors` (CONTRACTS, Meanings)."""


UNSPENT = frozenset({Kind.UNAVAILABLE, Kind.ALREADY_MEMBER, Kind.POSTPONED, Kind.SKIPPED})
"""Nothing was asked of the person: the budget that was reserved for it is given back."""


class Reason(StrEnum):
    """Why, in one machine-readable word."""

    NONE = ""
    PRIVACY = "privacy"
    NOT_MUTUAL_CONTACT = "not_mutual_contact"
    NEEDS_PREMIUM = "needs_premium"
    NEEDS_PAYMENT = "needs_payment"
    BLOCKED_US = "blocked_us"
    OPTED_OUT = "opted_out"
    TOO_MANY_CHANNELS = "too_many_channels"
    WAS_REMOVED = "was_removed"
    DELETED = "deleted"
    UNKNOWN_PERSON = "unknown_person"
    BOT = "bot"
    NO_PATH = "no_path"
    JOIN_REQUESTED = "join_requested"
    FLOOD_WAIT = "flood_wait"
    PEER_FLOOD = "peer_flood"
    BANNED = "banned"
    SIGNED_OUT = "signed_out"
    SESSION_DESTROYED = "session_destroyed"
    FROZEN = "frozen"
    BAD_CREDENTIALS = "bad_credentials"
    PROXY_UNSUPPORTED = "proxy_unsupported"
    RESTRICTED = "restricted"
    NO_RIGHT_TO_INVITE = "no_right_to_invite"
    DESTINATION_FULL = "destination_full"
    DESTINATION_UNKNOWN = "destination_unknown"
    DESTINATION_PRIVATE = "destination_private"
    DESTINATION_CLOSED = "destination_closed"
    TEXT_TOO_LONG = "text_too_long"
    TEXT_REFUSED = "text_refused"
    POST_UNAVAILABLE = "post_unavailable"
    NO_ANSWER = "no_answer"
    UNKNOWN_ERROR = "unknown_error"
    ACCOUNTS_EXHAUSTED = "accounts_exhausted"
    ACCOUNT_GONE = "account_gone"
    NO_ACCOUNT_LEFT = "no_account_left"
    CAMPAIGN_CANCELLED = "campaign_cancelled"
    SAME_PERSON = "same_person"
    SUPPRESSED = "suppressed"
    REACHED_BEFORE = "reached_before"
    REFUSED_BEFORE = "refused_before"
    NOT_FOUND_BY_PHONE = "not_found_by_phone"
    LOOKUPS_SPENT = "lookups_spent"
    CHANNEL_PAST_INVITES = "channel_past_invites"
    NEARLY_FULL = "nearly_full"
    SLOW_MODE = "slow_mode"
    LINK_ONLY = "link_only"
    JOIN_NEEDED = "join_needed"


INVITE_FALLBACK = frozenset({Reason.PRIVACY, Reason.NOT_MUTUAL_CONTACT, Reason.NEEDS_PREMIUM, Reason.TOO_MANY_CHANNELS})
"""Refusals of an invite after which a campaign with `message_when_refused` writes to the person (ACT-4)."""

LASTING = frozenset({Reason.BLOCKED_US, Reason.OPTED_OUT, Reason.DELETED, Reason.UNKNOWN_PERSON, Reason.BOT})
"""Refusals that another campaign would meet again: they are remembered for the owner. `opted_out` besides puts the
person onto the do-not-contact list."""

RETRYABLE = frozenset(
    {
        Reason.PRIVACY,
        Reason.NOT_MUTUAL_CONTACT,
        Reason.NEEDS_PREMIUM,
        Reason.NEEDS_PAYMENT,
        Reason.TOO_MANY_CHANNELS,
        Reason.NO_PATH,
        Reason.NOT_FOUND_BY_PHONE,
        Reason.FLOOD_WAIT,
        Reason.PEER_FLOOD,
        Reason.TEXT_TOO_LONG,
        Reason.TEXT_REFUSED,
        Reason.POST_UNAVAILABLE,
        Reason.NO_ANSWER,
        Reason.UNKNOWN_ERROR,
        Reason.ACCOUNTS_EXHAUSTED,
        Reason.ACCOUNT_GONE,
        Reason.NO_ACCOUNT_LEFT,
        Reason.CAMPAIGN_CANCELLED,
    }
)
"""What can pass: those whom a campaign did not reach for one of these may be tried again (CMP-6)."""

RETRIED = frozenset({Kind.REFUSED, Kind.UNREACHABLE, Kind.FAILED, Kind.CANCELLED})
"""And only if it ended so: what is uncertain may have arrived."""


@dataclass(frozen=True)
class Outcome:
    """One answer. `retry_after`: the rest that the platform named, for `rate_limited` only."""

    kind: Kind
    reason: Reason = Reason.NONE
    retry_after: timedelta | None = None
