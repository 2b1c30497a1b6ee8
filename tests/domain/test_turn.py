"""What an outcome leads to: nobody is lost, whatever the platform answered."""

from itertools import product

import pytest

from domain.campaign import Wanted
from domain.outcome import INVITE_FALLBACK, Kind, Outcome, Reason
from domain.platform import Action
from domain.turn import Again, Final, Work, follow_up

ME = "me"
EVERY_OUTCOME = [Outcome(kind, reason) for kind, reason in product(Kind, Reason)]
EVERY_WORK = [
    Work(action, instead, tried)
    for action, instead, tried in product(Action, (False, True), ((), ("x",), ("x", "y")))
    if not (action is Action.INVITE and instead)
]
SETTLES = {
    Kind.INVITED,
    Kind.ALREADY_MEMBER,
    Kind.MESSAGED,
    Kind.LINK_SENT,
    Kind.REFUSED,
    Kind.UNREACHABLE,
    Kind.UNCERTAIN,
    Kind.FAILED,
    Kind.CANCELLED,
}
TRIED = {Kind.RATE_LIMITED, Kind.LIMITED, Kind.BLOCKED}
FAILED = Final(Outcome(Kind.FAILED, Reason.ACCOUNTS_EXHAUSTED))
CANCELLED = Final(Outcome(Kind.CANCELLED, Reason.CAMPAIGN_CANCELLED))


def expected(outcome: Outcome, work: Work, message_when_refused: bool) -> Final | Again:
    """CONTRACTS and DESIGN §7, written down a second time."""
    kind = outcome.kind
    if (
        message_when_refused
        and work.action is Action.INVITE
        and kind is Kind.REFUSED
        and outcome.reason in INVITE_FALLBACK
    ):
        return Again(Work(Action.MESSAGE, True, ()), to_tail=True)
    if kind in SETTLES:
        return Final(outcome)
    if kind in TRIED:
        if len(work.tried) == 2:
            return FAILED
        return Again(Work(work.action, work.instead, (*work.tried, ME)), to_tail=True)
    if kind is Kind.CONTENT:
        return Final(Outcome(Kind.FAILED, outcome.reason))
    assert kind in (Kind.NOT_ADMIN, Kind.DESTINATION, Kind.UNAVAILABLE)
    return Again(work, to_tail=kind is Kind.UNAVAILABLE)


@pytest.mark.parametrize("message_when_refused", [False, True])
@pytest.mark.parametrize(
    "work", EVERY_WORK, ids=lambda work: f"{work.action}{'_instead' * work.instead}{len(work.tried)}"
)
def test_every_outcome_of_every_work(work: Work, message_when_refused: bool) -> None:
    for outcome in EVERY_OUTCOME:
        following = follow_up(outcome, work, ME, message_when_refused=message_when_refused, wanted=Wanted.RUN)
        assert following == expected(outcome, work, message_when_refused), outcome


@pytest.mark.parametrize("wanted", list(Wanted))
def test_only_a_cancelled_campaign_puts_nobody_back(wanted: Wanted) -> None:
    for outcome, work, fallback in product(EVERY_OUTCOME, EVERY_WORK, (False, True)):
        running = follow_up(outcome, work, ME, message_when_refused=fallback, wanted=Wanted.RUN)
        following = follow_up(outcome, work, ME, message_when_refused=fallback, wanted=wanted)
        put_back = isinstance(running, Again) and wanted is Wanted.CANCELLED
        assert following == (CANCELLED if put_back else running)


def test_an_own_error_or_cancellation_of_three_accounts_is_counted_over_the_same_work_only() -> None:
    refused = Outcome(Kind.REFUSED, Reason.PRIVACY)
    work = Work(Action.INVITE, False, ("x", "y"))
    following = follow_up(refused, work, ME, message_when_refused=True, wanted=Wanted.RUN)
    assert isinstance(following, Again)
    assert following.work.tried == ()


def test_the_fallback_is_for_refusals_that_do_not_forbid_messages() -> None:
    assert Reason.BLOCKED_US not in INVITE_FALLBACK
    assert Reason.WAS_REMOVED not in INVITE_FALLBACK
    assert Reason.PRIVACY in INVITE_FALLBACK
