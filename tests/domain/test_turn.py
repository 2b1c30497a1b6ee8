"""What an outcome leads to: nobody is lost, whatever the platform answered."""

from dataclasses import replace
from itertools import product

import pytest

from domain.campaign import Wanted
from domain.outcome import INVITE_FALLBACK, Kind, Outcome, Reason
from domain.platform import Action
from domain.turn import Again, Final, Rules, Work, follow_up

ME = "me"
EVERY_OUTCOME = [Outcome(kind, reason) for kind, reason in product(Kind, Reason)]
BINDINGS = ((None, False), (ME, False), (ME, True))
EVERY_WORK = [
    Work(action, instead, tried, *binding)
    for action, instead, tried, binding in product(Action, (False, True), ((), ("x",), ("x", "y")), BINDINGS)
    if not (action is not Action.MESSAGE and instead)
]
EVERY_RULE = [
    Rules(action, fallback, Wanted.RUN, test)
    for action, fallback, test in product(Action, (False, True), (False, True))
]
SETTLES = {
    Kind.INVITED,
    Kind.ALREADY_MEMBER,
    Kind.MESSAGED,
    Kind.FORWARDED,
    Kind.CONTACT_ADDED,
    Kind.LINK_SENT,
    Kind.REFUSED,
    Kind.UNREACHABLE,
    Kind.UNCERTAIN,
    Kind.FAILED,
    Kind.SKIPPED,
    Kind.CANCELLED,
}
TRIED = {Kind.RATE_LIMITED, Kind.LIMITED, Kind.BLOCKED}
FAILED = Final(Outcome(Kind.FAILED, Reason.ACCOUNTS_EXHAUSTED))
CANCELLED = Final(Outcome(Kind.CANCELLED, Reason.CAMPAIGN_CANCELLED))


def expected(outcome: Outcome, work: Work, rules: Rules) -> Final | Again:
    """CONTRACTS and DESIGN §7, written down a second time."""
    kind = outcome.kind
    kept = ME if work.bound_hard else None
    step = work.action is Action.ADD_CONTACT and rules.action is not Action.ADD_CONTACT
    if step and kind in (Kind.CONTACT_ADDED, Kind.REFUSED):
        return Again(Work(rules.action, False, (), ME, work.bound_hard), to_tail=False)
    if (
        rules.message_when_refused
        and work.action is Action.INVITE
        and kind is Kind.REFUSED
        and outcome.reason in INVITE_FALLBACK
    ):
        return Again(Work(Action.MESSAGE, True, (), kept, work.bound_hard), to_tail=True)
    if kind in SETTLES:
        return Final(outcome)
    if kind in TRIED:
        if len(work.tried) == 2:
            return FAILED
        return Again(Work(work.action, work.instead, (*work.tried, ME), kept, work.bound_hard), to_tail=True)
    unseen = kind is Kind.CONTENT and outcome.reason is Reason.POST_UNAVAILABLE
    if unseen and not rules.test:
        return Again(replace(work, bound_to=kept), to_tail=False)
    if kind is Kind.CONTENT:
        return Final(Outcome(Kind.FAILED, outcome.reason))
    if kind in (Kind.NOT_ADMIN, Kind.DESTINATION):
        return Again(replace(work, bound_to=kept), to_tail=False)
    assert kind in (Kind.UNAVAILABLE, Kind.POSTPONED)
    return Again(work, to_tail=True)


@pytest.mark.parametrize(
    "rules",
    EVERY_RULE,
    ids=lambda each: f"{each.action}{'_fallback' * each.message_when_refused}{'_test' * each.test}",
)
def test_every_outcome_of_every_work(rules: Rules) -> None:
    for outcome, work in product(EVERY_OUTCOME, EVERY_WORK):
        assert follow_up(outcome, work, ME, rules) == expected(outcome, work, rules), (outcome, work)


@pytest.mark.parametrize("wanted", list(Wanted))
def test_only_a_cancelled_campaign_puts_nobody_back(wanted: Wanted) -> None:
    for rules in EVERY_RULE:
        wished = replace(rules, wanted=wanted)
        for outcome, work in product(EVERY_OUTCOME, EVERY_WORK):
            running = follow_up(outcome, work, ME, rules)
            following = follow_up(outcome, work, ME, wished)
            put_back = isinstance(running, Again) and wanted is Wanted.CANCELLED
            assert following == (CANCELLED if put_back else running)


def test_an_own_error_or_cancellation_of_three_accounts_is_counted_over_the_same_work_only() -> None:
    refused = Outcome(Kind.REFUSED, Reason.PRIVACY)
    work = Work(Action.INVITE, False, ("x", "y"))
    following = follow_up(refused, work, ME, Rules(Action.INVITE, True, Wanted.RUN))
    assert isinstance(following, Again)
    assert following.work.tried == ()


class TestAddingAContact:
    work = Work(Action.ADD_CONTACT, False, ("x",))

    @pytest.mark.parametrize("action", [Action.INVITE, Action.MESSAGE])
    @pytest.mark.parametrize("kind", [Kind.CONTACT_ADDED, Kind.REFUSED])
    def test_as_a_first_step_it_leads_to_the_campaigns_own_action_by_the_same_account(
        self, action: Action, kind: Kind
    ) -> None:
        following = follow_up(Outcome(kind), self.work, ME, Rules(action, False, Wanted.RUN))
        assert following == Again(Work(action, False, (), ME, False), to_tail=False)

    def test_on_its_own_it_is_the_end(self) -> None:
        rules = Rules(Action.ADD_CONTACT, False, Wanted.RUN)
        for kind in (Kind.CONTACT_ADDED, Kind.REFUSED):
            assert follow_up(Outcome(kind), self.work, ME, rules) == Final(Outcome(kind))

    @pytest.mark.parametrize("kind", [Kind.UNREACHABLE, Kind.SKIPPED, Kind.UNCERTAIN])
    def test_who_is_not_there_twice_or_in_doubt_is_settled_by_the_step(self, kind: Kind) -> None:
        following = follow_up(Outcome(kind), self.work, ME, Rules(Action.INVITE, True, Wanted.RUN))
        assert following == Final(Outcome(kind))

    def test_a_person_of_one_account_alone_stays_its_own_over_all_steps(self) -> None:
        rules = Rules(Action.INVITE, True, Wanted.RUN)
        work = Work(Action.ADD_CONTACT, False, (), ME, True)
        for outcome in (Outcome(Kind.RATE_LIMITED), Outcome(Kind.CONTACT_ADDED), Outcome(Kind.NOT_ADMIN)):
            following = follow_up(outcome, work, ME, rules)
            assert isinstance(following, Again)
            work = following.work
            assert (work.bound_to, work.bound_hard) == (ME, True)
        following = follow_up(Outcome(Kind.REFUSED, Reason.PRIVACY), work, ME, rules)
        assert following == Again(Work(Action.MESSAGE, True, (), ME, True), to_tail=True)

    @pytest.mark.parametrize("kind", [Kind.RATE_LIMITED, Kind.LIMITED, Kind.BLOCKED, Kind.NOT_ADMIN, Kind.DESTINATION])
    def test_an_account_that_cannot_go_on_frees_its_contact(self, kind: Kind) -> None:
        work = Work(Action.INVITE, False, (), ME, False)
        following = follow_up(Outcome(kind), work, ME, Rules(Action.INVITE, False, Wanted.RUN))
        assert isinstance(following, Again)
        assert following.work.bound_to is None

    @pytest.mark.parametrize("kind", [Kind.UNAVAILABLE, Kind.POSTPONED])
    def test_what_is_nobodys_fault_or_put_off_is_no_try(self, kind: Kind) -> None:
        work = Work(Action.INVITE, False, ("x", "y"), ME, False)
        following = follow_up(Outcome(kind), work, ME, Rules(Action.INVITE, False, Wanted.RUN))
        assert following == Again(work, to_tail=True)


def test_the_fallback_is_for_refusals_that_do_not_forbid_messages() -> None:
    assert Reason.BLOCKED_US not in INVITE_FALLBACK
    assert Reason.WAS_REMOVED not in INVITE_FALLBACK
    assert Reason.PRIVACY in INVITE_FALLBACK
