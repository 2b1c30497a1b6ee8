"""Where a campaign stands, from where its accounts stand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaign import Phase
from domain.course import (
    BY_LOT,
    FIRST_TO_WAKE,
    GONE,
    NO_PATH_IN,
    SETTLING,
    Course,
    Member,
    Open,
    Tried,
    course,
    held_by,
    some,
)
from domain.standing import Rest
from domain.why import Why

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
LATER, LATEST = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
NOBODY: Tried = frozenset()
UNTRIED: Tried = frozenset({frozenset()})
NOTHING = Open(NOBODY, NOBODY, turns=0)
INVITES = replace(NOTHING, invites=UNTRIED)
MESSAGES = replace(NOTHING, messages=UNTRIED)
IN_FLIGHT = replace(NOTHING, turns=1)
INVITES_BY_B = replace(NOTHING, invites_by=frozenset("b"))
MESSAGES_BY_B = replace(NOTHING, messages_by=frozenset("b"))


def member(
    name: str = "a",
    *,
    can_invite: bool = True,
    checked: bool = True,
    rest: Rest | None = None,
    says: Why = Why.WORKING,
    to: str | None = None,
    can_write: bool = True,
) -> Member:
    return Member(name, can_invite, checked, rest, says, to, can_write=can_write)


def waiting(why: Why, until: datetime | None = None, to: str | None = None) -> Course:
    """Nothing changes by itself before the end of the wait."""
    return Course(Phase.WAITING, why, until, to=to, look_at=until)


def test_open_is_nothing_only_when_queue_and_turns_are_empty() -> None:
    assert NOTHING.nothing
    assert not any(each.nothing for each in (INVITES, MESSAGES, IN_FLIGHT, INVITES_BY_B, MESSAGES_BY_B))


@pytest.mark.parametrize("problem", [Why.INTEGRATION_AWAY, Why.CREDENTIALS_AWAY])
def test_without_accounts_it_waits_for_them_or_for_the_list(problem: Why) -> None:
    assert course([], INVITES, None) == waiting(Why.NO_ACCOUNTS)
    assert course([], INVITES, problem) == waiting(problem)
    assert course([member()], INVITES, problem).phase is Phase.RUNNING


def test_one_that_can_act_is_enough() -> None:
    resting = member("b", rest=Rest(LATER, Why.COOLDOWN))
    assert course([resting, member()], INVITES, None) == Course(Phase.RUNNING, Why.WORKING)


@pytest.mark.parametrize("left", [INVITES_BY_B, MESSAGES_BY_B])
def test_who_waits_for_one_account_alone_keeps_no_other_awake(left: Open) -> None:
    idle, able = member("a", says=Why.QUEUE_EMPTY), member("b", says=Why.QUEUE_EMPTY)
    assert course([idle, able], left, None) == Course(Phase.RUNNING, Why.WORKING, wake=("b",))
    resting = member("b", rest=Rest(LATER, Why.COOLDOWN))
    assert course([idle, resting], left, None) == waiting(Why.COOLDOWN, LATER)


def test_and_an_invite_of_that_account_needs_its_right() -> None:
    idle, writer = member("a", says=Why.QUEUE_EMPTY), member("b", can_invite=False, says=Why.NOT_ADMIN)
    assert course([idle, writer], INVITES_BY_B, None) == waiting(Why.NO_ADMIN)
    assert course([idle, writer], MESSAGES_BY_B, None).wake == ("b",)


def test_a_turn_in_flight_is_work_though_everybody_rests() -> None:
    resting = member(rest=Rest(LATER, Why.COOLDOWN))
    assert course([resting], IN_FLIGHT, None) == Course(Phase.RUNNING, Why.WORKING)


@pytest.mark.parametrize("says", [Why.QUEUE_EMPTY, Why.NOT_ADMIN, Why.BUDGET_SPENT])
def test_who_sleeps_though_there_is_work_is_woken(says: Why) -> None:
    assert course([member(says=says)], INVITES, None).wake == ("a",)


@pytest.mark.parametrize("says", [Why.WORKING, Why.GAP, Why.PREPARING])
def test_who_is_at_work_is_not_woken(says: Why) -> None:
    assert course([member(says=says)], INVITES, None).wake == ()


def test_nobody_is_woken_to_what_it_may_not_do() -> None:
    sleeper = member("b", can_invite=False, says=Why.NOT_ADMIN)
    assert course([member(), sleeper], INVITES, None).wake == ()
    assert course([member(), sleeper], MESSAGES, None).wake == ("b",)


def test_an_unchecked_account_may_turn_out_to_be_able() -> None:
    unchecked = member(can_invite=False, checked=False, says=Why.PREPARING)
    assert course([unchecked], INVITES, None) == Course(Phase.RUNNING, Why.WORKING)


class TestTried:
    """Whoever an account has failed on goes to untried ones first."""

    A_FAILED = replace(NOTHING, invites=frozenset({frozenset("a")}), messages=frozenset({frozenset("a")}))

    def test_the_untried_one_that_rests_is_waited_for_and_nobody_else_is_woken(self) -> None:
        idle, resting = member("a", says=Why.QUEUE_EMPTY), member("b", rest=Rest(LATER, Why.COOLDOWN))
        soon = member("c", rest=Rest(LATEST, Why.ACCOUNT_LIMITED))
        assert course([idle, resting, soon], self.A_FAILED, None) == waiting(Why.UNTRIED_RESTS, LATER)

    def test_one_more_who_waits_untried_is_work_for_all(self) -> None:
        left = replace(self.A_FAILED, invites=UNTRIED | self.A_FAILED.invites)
        accounts = [member("a", says=Why.QUEUE_EMPTY), member("b", rest=Rest(LATER, Why.COOLDOWN))]
        assert course(accounts, left, None) == Course(Phase.RUNNING, Why.WORKING, wake=("a",))

    def test_the_untried_one_that_is_free_is_woken_alone(self) -> None:
        accounts = [member("a", says=Why.QUEUE_EMPTY), member("b", says=Why.QUEUE_EMPTY)]
        assert course(accounts, self.A_FAILED, None).wake == ("b",)

    def test_blocked_ones_and_those_without_the_right_are_not_waited_for(self) -> None:
        gone, writer = member("b", rest=Rest(None, Why.ACCOUNT_BLOCKED)), member("c", can_invite=False)
        invites = replace(self.A_FAILED, messages=NOBODY)
        assert course([member("a", says=Why.QUEUE_EMPTY), gone, writer], invites, None).wake == ("a",)

    def test_where_all_rest_their_own_reasons_are_told(self) -> None:
        accounts = [member("a", rest=Rest(LATEST, Why.COOLDOWN)), member("b", rest=Rest(LATER, Why.COOLDOWN))]
        assert course(accounts, self.A_FAILED, None) == waiting(Why.COOLDOWN, LATER)


def test_all_rest_for_one_reason_or_for_several_until_the_first_is_back() -> None:
    first, second = Rest(LATEST, Why.COOLDOWN), Rest(LATER, Why.COOLDOWN)
    limited = Rest(LATER, Why.ACCOUNT_LIMITED)
    assert course([member(rest=first), member("b", rest=second)], INVITES, None) == waiting(Why.COOLDOWN, LATER)
    assert course([member(rest=first), member("b", rest=limited)], INVITES, None) == waiting(
        Why.ACCOUNTS_RESTING, LATER
    )


def test_a_blocked_one_among_resting_ones_does_not_count() -> None:
    gone = member("b", rest=Rest(None, Why.ACCOUNT_BLOCKED))
    resting = member(rest=Rest(LATER, Why.COOLDOWN))
    assert course([resting, gone], INVITES, None) == waiting(Why.COOLDOWN, LATER)


def test_who_paces_itself_is_at_work_and_looked_at_when_it_will_have_acted() -> None:
    early, late = Rest(LATER, Why.PACE), Rest(LATEST, Why.PACE)
    resting = member("c", rest=Rest(NOW, Why.COOLDOWN))
    found = course([member(rest=late), member("b", rest=early), resting], INVITES, None)
    assert (found.phase, found.why, found.until, found.wake) == (Phase.RUNNING, Why.WORKING, None, ())
    assert found.look_at == NOW + SETTLING  # the one that rests may act then
    assert course([member(rest=late), member("b", rest=early)], INVITES, None).look_at == LATER + SETTLING
    assert course([member(rest=late), member("b")], INVITES, None).look_at is None, "somebody is at it now"
    assert course([member(rest=late)], IN_FLIGHT, None).look_at is None


def test_it_says_to_whom_all_its_accounts_give_way() -> None:
    first, second = Rest(LATEST, Why.GIVES_WAY), Rest(LATER, Why.GIVES_WAY)
    to_one = [member(rest=first, to="high"), member("b", rest=second, to="high")]
    assert course(to_one, INVITES, None) == waiting(Why.GIVES_WAY, LATER, to="high")
    to_two = [member(rest=first, to="high"), member("b", rest=second, to="higher")]
    assert course(to_two, INVITES, None) == waiting(Why.GIVES_WAY, LATER)


def test_its_own_times_and_guardrails_hold_it() -> None:
    assert held_by(Rest(LATER, Why.SCHEDULED)) == Course(Phase.SCHEDULED, Why.SCHEDULED, LATER, look_at=LATER)
    assert held_by(Rest(LATER, Why.OUTSIDE_WINDOW)) == waiting(Why.OUTSIDE_WINDOW, LATER)
    assert held_by(Rest(None, Why.TOO_MANY_FLOODS)) == waiting(Why.TOO_MANY_FLOODS)


@pytest.mark.parametrize("why", sorted(GONE))
def test_all_gone(why: Why) -> None:
    gone = member(rest=Rest(None, why))
    assert course([gone], INVITES, None) == waiting(Why.ACCOUNTS_GONE)
    assert course([gone, member("b", can_invite=False)], INVITES, None) == waiting(Why.ACCOUNTS_GONE)


def test_nobody_may_invite() -> None:
    idle = member(can_invite=False, says=Why.NOT_ADMIN)
    assert course([idle], INVITES, None) == waiting(Why.NO_ADMIN)
    assert course([idle], MESSAGES, None).phase is Phase.RUNNING


@pytest.mark.parametrize("why", NO_PATH_IN)
def test_what_is_wrong_with_the_destination_is_said(why: Why) -> None:
    accounts = [member(can_invite=False, says=Why.NOT_ADMIN), member("b", can_invite=False, says=why)]
    assert course(accounts, INVITES, None) == waiting(why)


class TestAPostThatAccountsCannotSee:
    UNSEEING = member("a", says=Why.POST_UNAVAILABLE, can_write=False)
    STUCK = waiting(Why.POST_UNAVAILABLE)

    def test_the_others_go_on_and_it_is_not_woken(self) -> None:
        idle = member("b", says=Why.QUEUE_EMPTY)
        assert course([self.UNSEEING, idle], MESSAGES, None) == Course(Phase.RUNNING, Why.WORKING, wake=("b",))
        resting = member("b", rest=Rest(LATER, Why.COOLDOWN))
        assert course([self.UNSEEING, resting], MESSAGES, None) == waiting(Why.COOLDOWN, LATER)

    @pytest.mark.parametrize("left", [MESSAGES, replace(NOTHING, messages_by=frozenset("a"))])
    def test_when_no_other_is_left_the_campaign_waits_for_its_owner(self, left: Open) -> None:
        gone = member("b", rest=Rest(None, Why.ACCOUNT_BLOCKED))
        assert course([self.UNSEEING], left, None) == self.STUCK
        assert course([self.UNSEEING, gone], left, None) == self.STUCK

    def test_its_own_absence_is_the_greater_trouble(self) -> None:
        gone = replace(self.UNSEEING, rest=Rest(None, Why.ACCOUNT_BLOCKED))
        assert course([gone], MESSAGES, None) == waiting(Why.ACCOUNTS_GONE)

    def test_invites_go_on(self) -> None:
        assert course([self.UNSEEING], replace(INVITES, messages=UNTRIED), None).wake == ("a",)
        assert course([replace(self.UNSEEING, can_invite=False)], INVITES, None) == waiting(Why.NO_ADMIN)

    def test_whoever_all_that_see_it_have_failed_on_may_return_to_them(self) -> None:
        idle = member("b", says=Why.QUEUE_EMPTY)
        left = replace(NOTHING, messages=frozenset({frozenset("b")}))
        assert course([self.UNSEEING, idle], left, None).wake == ("b",)


RESTS = st.none() | st.builds(Rest, st.sampled_from([LATER, LATEST]), st.sampled_from([Why.COOLDOWN, Why.BUDGET_SPENT]))
MEMBERS = st.lists(
    st.builds(
        Member,
        st.sampled_from("abcdef"),
        st.booleans(),
        st.booleans(),
        RESTS | st.builds(Rest, st.none(), st.sampled_from(sorted(GONE))),
        st.sampled_from(Why),
        can_write=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda each: each.account_id,
)


TRIED = st.frozensets(st.frozensets(st.sampled_from("abcdef"), max_size=2), max_size=3)


@given(MEMBERS, st.builds(Open, TRIED, TRIED, st.integers(0, 2)), st.none() | st.just(Why.INTEGRATION_AWAY))
def test_it_runs_exactly_when_somebody_can_act_or_acts_and_waits_with_a_reason_otherwise(
    members: list[Member], left: Open, problem: Why | None
) -> None:
    found = course(members, left, problem)
    writers = {each.account_id for each in members if not each.gone and each.can_write}
    admins = {each.account_id for each in members if not each.gone and each.can_invite}

    def finds(me: Member, waiting: Tried, able: set[str]) -> bool:
        return any(me.account_id not in tried or able <= tried for tried in waiting)

    can = [
        each
        for each in members
        if each.rest is None
        and (
            (finds(each, left.messages, writers) and each.can_write)
            or (finds(each, left.invites, admins) and (each.can_invite or not each.checked))
        )
    ]
    assert (found.phase is Phase.RUNNING) == bool(can or left.turns), "a turn in flight goes on without members, too"
    assert set(found.wake) <= {each.account_id for each in can}
    if found.phase is Phase.WAITING:
        assert found.wake == ()
        assert found.why not in (Why.WORKING, Why.ENDED)
        ends = {each.rest.until for each in members if each.rest}
        assert found.until is None or found.until in ends


def test_whoever_alone_is_waited_for_is_woken_first() -> None:
    sleepers = [member(name, says=Why.QUEUE_EMPTY) for name in "abc"]
    left = replace(INVITES, invites_by=frozenset("c"))
    assert course(sleepers, left, None).wake == ("c", "a", "b")


@given(st.integers(0, 400), st.datetimes())
def test_a_few_are_woken_the_first_ones_always(many: int, now: datetime) -> None:
    sleepers = [str(number) for number in range(many)]
    woken = some(sleepers, now)
    assert list(woken[:FIRST_TO_WAKE]) == sleepers[:FIRST_TO_WAKE]
    assert len(woken) == min(many, FIRST_TO_WAKE + BY_LOT)
    assert set(woken) <= set(sleepers)
    assert len(set(woken)) == len(woken)


def test_nobody_sleeps_for_ever() -> None:
    """Looks a minute apart, as at a campaign in which nothing changes."""
    sleepers = [str(number) for number in range(2_500)]
    woken = {each for minutes in range(500) for each in some(sleepers, NOW + timedelta(minutes=minutes))}
    assert woken == set(sleepers)
