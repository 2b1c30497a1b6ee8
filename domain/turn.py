"""A turn: one account's right to act once. What is given to it, and what its outcomes lead to (DESIGN §3, §6)."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from domain.account import AccountRef
from domain.campaign import Wanted
from domain.outcome import INVITE_FALLBACK, Kind, Outcome, Party, Reason
from domain.platform import Action, Identifier
from domain.recipient import Person

TRIES = 3
"""After so many accounts' failures on one recipient it is failed (LIM-5)."""


class AttemptState(StrEnum):
    """An attempt's way: open → sent (a call may have been made) → settled."""

    OPEN = "open"
    SENT = "sent"
    SETTLED = "settled"


@dataclass(frozen=True)
class TurnKey:
    """Names a turn. `turn_id` is made by the account's run and stays the same over retries."""

    turn_id: str
    campaign_id: str
    ref: AccountRef
    fence: int


@dataclass(frozen=True)
class Attempt:
    """One recipient within a turn. `key`: what the platform recognises a repetition by (63 bits).

    `text`: what the person is sent, the same each time. `suppressed`: the person is on the owner's do-not-contact list.
    """

    slot: int
    person: Person
    action: Action
    state: AttemptState
    key: int
    sent_at: datetime | None = None
    text: str = field(default="", repr=False)
    suppressed: bool = False


@dataclass(frozen=True)
class Turn:
    """A turn that is to be carried out, first or again: its attempts are the same each time.

    `post`: the link of the post that is forwarded to everybody, where the message is one.
    """

    turn_id: str
    action: Action
    destination: str
    attempts: tuple[Attempt, ...]
    post: str = ""


@dataclass(frozen=True)
class Settled:
    """The turn of this id is done already: take the next number."""


@dataclass(frozen=True)
class Halted:
    """The campaign does not want actions now."""

    wanted: Wanted


@dataclass(frozen=True)
class Work:
    """What the queue holds of a recipient.

    `instead`: a message that replaces a refused invite. `tried`: the accounts that failed on the person (LIM-5):
    untried ones go first; with none left that is active or resting, one that failed may try again.
    """

    action: Action
    instead: bool
    tried: tuple[str, ...]
    bound_to: str | None = None
    bound_hard: bool = False
    lane: Identifier = Identifier.USERNAME
    has_phone: bool = False


@dataclass(frozen=True)
class Rules:
    """What the campaign wants done, as far as it decides what follows. `test`: it is one message to its owner."""

    action: Action
    message_when_refused: bool
    wanted: Wanted
    test: bool = False


@dataclass(frozen=True)
class Final:
    """The recipient is settled."""

    outcome: Outcome


@dataclass(frozen=True)
class Again:
    """The recipient goes back to the queue: to its place (nothing happened), or to the tail."""

    work: Work
    to_tail: bool


def follow_up(outcome: Outcome, work: Work, account_id: str, rules: Rules) -> Final | Again:
    """What becomes of a recipient after `outcome`. In a cancelled campaign nobody goes back to the queue."""
    following = _follow_up(outcome, work, account_id, rules)
    if isinstance(following, Again) and rules.wanted is Wanted.CANCELLED:
        return Final(Outcome(Kind.CANCELLED, Reason.CAMPAIGN_CANCELLED))
    return following


def _follow_up(outcome: Outcome, work: Work, account_id: str, rules: Rules) -> Final | Again:
    if _was_a_step(outcome, work, rules):
        return Again(replace(work, action=rules.action, tried=(), bound_to=account_id), to_tail=False)
    if _may_be_found_by_phone(outcome, work):
        return Again(replace(work, lane=Identifier.PHONE), to_tail=True)
    if _falls_back(outcome, work, rules.message_when_refused):
        return Again(replace(_free(work), action=Action.MESSAGE, instead=True, tried=()), to_tail=True)
    if outcome.kind in (Kind.NOT_ADMIN, Kind.DESTINATION) or (keeps_from_forwarding(outcome) and not rules.test):
        return Again(_free(work), to_tail=False)
    if outcome.kind in (Kind.UNAVAILABLE, Kind.POSTPONED):
        return Again(work, to_tail=True)
    if outcome.kind.party is Party.ACCOUNT:
        return _next_account(work, account_id)
    if outcome.kind is Kind.CONTENT:
        return Final(Outcome(Kind.FAILED, outcome.reason))
    return Final(outcome)


def keeps_from_forwarding(outcome: Outcome) -> bool:
    """Whether the account can forward the campaign's post to nobody: another one may see it. In a test, which is there
    to find that out, it is the end."""
    return outcome.kind is Kind.CONTENT and outcome.reason is Reason.POST_UNAVAILABLE


def _was_a_step(outcome: Outcome, work: Work, rules: Rules) -> bool:
    """Adding a contact came before the campaign's own action, which goes on whether it was refused or not (ACT-1)."""
    done = outcome.kind in (Kind.CONTACT_ADDED, Kind.REFUSED)
    return work.action is Action.ADD_CONTACT and rules.action is not Action.ADD_CONTACT and done


def _may_be_found_by_phone(outcome: Outcome, work: Work) -> bool:
    """Nobody has the username; the number is another look-up, with a budget of its own."""
    return work.lane is Identifier.USERNAME and work.has_phone and outcome.reason is Reason.UNKNOWN_PERSON


def _falls_back(outcome: Outcome, work: Work, message_when_refused: bool) -> bool:
    refused = outcome.kind is Kind.REFUSED and outcome.reason in INVITE_FALLBACK
    return refused and work.action is Action.INVITE and message_when_refused


def _next_account(work: Work, account_id: str) -> Final | Again:
    tried = (*work.tried, account_id)
    if len(tried) >= TRIES:
        return Final(Outcome(Kind.FAILED, Reason.ACCOUNTS_EXHAUSTED))
    return Again(replace(_free(work), tried=tried), to_tail=True)


def _free(work: Work) -> Work:
    """For any account, unless only this one ever reaches the person: who added a contact cannot go on with it."""
    return work if work.bound_hard else replace(work, bound_to=None)
