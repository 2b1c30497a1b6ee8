"""Pace, batches and claims: how far apart one account's actions lie, how many at once, and who gives way to whom."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.account import AccountState
from domain.budgets import Spent, Usage, hour_of
from domain.limits import Gap, PlatformLimits, PlatformSlowDown, SlowDown
from domain.platform import Action, Budget
from domain.policy import (
    JITTER,
    PATIENCE,
    Act,
    Campaign,
    Claim,
    GiveWay,
    Situation,
    Waiting,
    claim,
    decide,
    spacing,
)
from domain.schedule import Schedule, Window
from domain.standing import Rest, Standing
from domain.terms import Pace, Terms
from domain.why import Why

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SHORTEST, LONGEST = timedelta(seconds=10), timedelta(seconds=15)
LIMITS = PlatformLimits(
    gap=Gap(SHORTEST, LONGEST),
    daily=dict.fromkeys(Budget, 1000) | {Budget.INVITE: 48, Budget.MESSAGE: 24},
    limited_rests=(DAY,),
    unavailable_rest=MINUTE,
)
ACTIVE = Standing(AccountState.ACTIVE)
FAST = Terms(pace=Pace.FAST)
INVITE = Waiting(Action.INVITE, Budget.INVITE)
MESSAGE = Waiting(Action.MESSAGE, Budget.MESSAGE)
OFFICE = Schedule(windows=(Window(frozenset(range(7)), 9 * 60, 18 * 60),))
CHANCES = st.floats(0, 1, exclude_max=True)


def at(
    now: datetime = NOW,
    terms: Terms = FAST,
    usage: Usage | None = None,
    own: Usage | None = None,
    limits: PlatformLimits = LIMITS,
    account: Standing = ACTIVE,
    claims: tuple[Claim, ...] = (),
    share: int = 1,
    floods: int = 0,
) -> Situation:
    return Situation(now, account, limits, usage or {}, Campaign("mine", terms, share), claims, floods, own)


def spent(budget: Budget, amount: int, hours_ago: int = 0, next_at: datetime | None = None) -> Usage:
    return {budget: [Spent(hour_of(NOW) - hours_ago * HOUR, amount, next_at)]}


class TestTheGap:
    @given(CHANCES, st.sampled_from([FAST, Terms(), replace(FAST, gap=timedelta(seconds=40))]), st.integers(0, 60))
    def test_the_floor_is_never_cut(self, chance: float, terms: Terms, used: int) -> None:
        found = spacing(at(terms=terms, usage=spent(Budget.INVITE, used)), INVITE, 1, chance)
        assert found.next_at - NOW >= max(SHORTEST, terms.gap)
        assert found.paced_at >= found.next_at

    @given(CHANCES)
    def test_a_fast_campaign_keeps_the_drawn_gap_alone(self, chance: float) -> None:
        found = spacing(at(), INVITE, 1, chance)
        assert found.next_at - NOW == LIMITS.gap.draw(chance) <= LONGEST
        paced = spent(Budget.INVITE, 1, next_at=NOW + HOUR)
        assert decide(at(usage=paced), [INVITE]) == Act(INVITE)
        assert decide(at(usage=paced, terms=Terms()), [INVITE]) == Rest(NOW + HOUR, Why.PACE)

    @given(CHANCES, st.floats(1, 8), st.integers(0, 1000))
    def test_slow_downs_of_account_and_platform_stretch_it(self, chance: float, slow: float, floods: int) -> None:
        limits = replace(LIMITS, slow_down=SlowDown(2.0, 8.0, HOUR), platform_slow_down=PlatformSlowDown(50, 0.2))
        slowed = at(limits=limits, account=replace(ACTIVE, slow=slow, slow_at=NOW), floods=floods)
        found = spacing(slowed, INVITE, 1, chance).next_at - NOW
        factor = slow * (1.25 if floods > 50 else 1.0)
        assert found / LIMITS.gap.draw(chance) == pytest.approx(factor)


class TestAnEvenPace:
    @given(CHANCES)
    def test_without_hours_the_limit_is_spread_over_the_day_with_jitter(self, chance: float) -> None:
        found = (spacing(at(terms=Terms()), INVITE, 1, chance).paced_at - NOW) / (DAY / 48)
        assert 1 - JITTER / 2 <= round(found, 6) <= 1 + JITTER / 2

    @given(st.integers(0, 539), st.integers(0, 40))
    def test_within_hours_it_is_the_time_left_divided_by_the_budget_left(self, minute: int, used: int) -> None:
        now = NOW.replace(hour=9, minute=0) + minute * MINUTE
        usage = {Budget.INVITE: [Spent(NOW.replace(hour=9, minute=0), used)]} if used else {}
        found = spacing(at(now, Terms(schedule=OFFICE), usage), INVITE, 1, 0.5)
        left = NOW.replace(hour=18, minute=0) - now
        assert found.paced_at - now == pytest.approx(max(left / (48 - used), LIMITS.gap.draw(0.5)), abs=MINUTE / 60)

    @given(st.lists(CHANCES, min_size=60, max_size=60))
    def test_a_day_s_budget_is_used_over_the_hours(self, chances: list[float]) -> None:
        """Whoever acts whenever it is told to has spent all but a few of the day's budget when the hours end."""
        now, ends = NOW.replace(hour=9, minute=0), NOW.replace(hour=18, minute=0)
        usage: dict[Budget, list[Spent]] = {Budget.INVITE: []}
        acted = []
        for chance in chances:
            if now >= ends or len(acted) == 48:
                break
            found = spacing(at(now, Terms(schedule=OFFICE), usage), INVITE, 1, chance)
            usage[Budget.INVITE].append(Spent(hour_of(now), 1))
            acted.append(now)
            now = found.paced_at
        assert len(acted) >= 48 * 0.95
        halfway = sum(each < NOW.replace(hour=13, minute=30) for each in acted)
        assert 24 * 0.8 <= halfway <= 24 * 1.2

    def test_a_campaign_is_paced_by_what_it_did_itself(self) -> None:
        """A lower limit, or shorter hours, of one campaign do not slow another one on the same account."""
        theirs = spent(Budget.INVITE, 1, next_at=NOW + DAY)
        assert decide(at(usage=theirs, own={}, terms=Terms()), [INVITE]) == Act(INVITE)


class TestLimitsOfItsOwn:
    LOWER = replace(FAST, daily={Budget.INVITE: 5})

    def test_they_count_what_the_campaign_did(self) -> None:
        usage = spent(Budget.INVITE, 40)
        assert decide(at(usage=usage, own=spent(Budget.INVITE, 4), terms=self.LOWER), [INVITE]) == Act(INVITE)
        free = hour_of(NOW) + 25 * HOUR
        full = at(usage=usage, own=spent(Budget.INVITE, 5), terms=self.LOWER)
        assert decide(full, [INVITE]) == Rest(free, Why.BUDGET_SPENT)

    def test_the_account_s_holds_as_well(self) -> None:
        full = at(usage=spent(Budget.INVITE, 48), own={}, terms=self.LOWER)
        assert decide(full, [INVITE]) == Rest(hour_of(NOW) + 25 * HOUR, Why.BUDGET_SPENT)

    def test_they_pace_it(self) -> None:
        slower = spacing(at(terms=Terms(daily={Budget.INVITE: 5})), INVITE, 1, 0.5)
        assert slower.paced_at - NOW == DAY / 5

    def test_who_has_used_them_up_leaves_the_rest_to_others(self) -> None:
        full = at(usage=spent(Budget.INVITE, 5), own=spent(Budget.INVITE, 5), terms=self.LOWER)
        assert claim(decide(full, [INVITE]), full, [INVITE]) is None
        spent_up = at(usage=spent(Budget.INVITE, 48), own=spent(Budget.INVITE, 4), terms=self.LOWER)
        assert claim(decide(spent_up, [INVITE]), spent_up, [INVITE]) is not None


class TestHoursAndBatches:
    @given(CHANCES, st.integers(1, 12), st.integers(1, 100))
    def test_an_hourly_limit_holds_exactly_whatever_the_batch(self, chance: float, hourly: int, batch: int) -> None:
        limits = replace(LIMITS, hourly={Budget.MESSAGE: hourly}, batch=batch)
        now, done = NOW, []
        for _ in range(3 * hourly):
            situation = at(now, limits=limits, share=1000)
            decision = decide(situation, [MESSAGE])
            assert isinstance(decision, Act)
            done += [now] * decision.size
            now = spacing(situation, MESSAGE, decision.size, chance).next_at
        assert all(sum(first <= each < first + HOUR for each in done) <= hourly for first in done)

    @given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 47), st.floats(1, 8))
    def test_a_batch_is_bounded_by_everything(self, batch: int, share: int, used: int, slow: float) -> None:
        limits = replace(LIMITS, batch=batch, slow_down=SlowDown(2.0, 8.0, HOUR))
        slowed = replace(ACTIVE, slow=slow, slow_at=NOW)
        own = replace(FAST, daily={Budget.INVITE: 30})
        room = min(48 - used, 30)
        decision = decide(
            at(limits=limits, usage=spent(Budget.INVITE, used), own={}, terms=own, account=slowed, share=share),
            [INVITE],
        )
        assert isinstance(decision, Act)
        assert decision.size == max(min(int(batch / slow), share, room), 1)


def rival(priority: int = 1, until: datetime = NOW + HOUR, *budgets: Budget) -> Claim:
    return Claim("theirs", priority, until, frozenset(budgets))


class TestGivingWay:
    @pytest.mark.parametrize(
        ("other", "gives_way"),
        [
            (rival(), True),
            (rival(1, NOW + HOUR, Budget.INVITE), True),
            (rival(1, NOW + HOUR, Budget.MESSAGE), False),
            (rival(3), False),
            (rival(4), False),
            (rival(1, NOW), False),
        ],
    )
    def test_to_a_live_claim_of_a_higher_one_on_this_kind(self, other: Claim, gives_way: bool) -> None:
        found = decide(at(claims=(other,)), [INVITE])
        assert found == (GiveWay(other.until, "theirs", (INVITE,)) if gives_way else Act(INVITE))

    @pytest.mark.parametrize(("claimed", "gives_way"), [(Budget.RESOLVE, True), (Budget.ADD_CONTACT, False)])
    def test_to_a_claim_on_the_look_ups_that_it_would_need(self, claimed: Budget, *, gives_way: bool) -> None:
        named = replace(INVITE, lookup=Budget.RESOLVE)
        found = decide(at(claims=(rival(1, NOW + HOUR, claimed),)), [named])
        assert isinstance(found, GiveWay if gives_way else Act)

    def test_what_nobody_claims_goes_on(self) -> None:
        assert decide(at(claims=(rival(1, NOW + HOUR, Budget.INVITE),)), [INVITE, MESSAGE]) == Act(MESSAGE)

    def test_who_gives_way_claims_only_what_it_wants_to_do(self) -> None:
        given = at(claims=(rival(1, NOW + HOUR, Budget.INVITE),))
        assert claim(decide(given, [INVITE]), given, [INVITE]) == Claim(
            "mine", 3, NOW + HOUR + PATIENCE, frozenset({Budget.INVITE})
        )

    def test_a_pace_claims_its_kinds_and_a_gap_everything(self) -> None:
        paced = at(usage=spent(Budget.INVITE, 1, next_at=NOW + HOUR), terms=Terms())
        found = claim(decide(paced, [INVITE]), paced, [INVITE])
        assert found == Claim("mine", 3, NOW + HOUR + PATIENCE, frozenset({Budget.INVITE}))
        between = at(account=replace(ACTIVE, next_at=NOW + SHORTEST))
        found = claim(decide(between, [INVITE]), between, [INVITE])
        assert found == Claim("mine", 3, NOW + SHORTEST + PATIENCE)

    @pytest.mark.parametrize(
        ("looks", "invites", "claimed"),
        [
            (3, 0, {Budget.RESOLVE}),  # the day's look-ups are spent: invites are left to who needs none
            (0, 3, {Budget.INVITE}),
            (3, 3, {Budget.INVITE, Budget.RESOLVE}),
        ],
    )
    def test_a_spent_budget_alone_is_waited_for(self, looks: int, invites: int, claimed: set[Budget]) -> None:
        few = replace(LIMITS, daily=dict.fromkeys(Budget, 3))
        usage = spent(Budget.RESOLVE, looks) | spent(Budget.INVITE, invites)
        named = replace(INVITE, lookup=Budget.RESOLVE)
        found = at(limits=few, usage=usage)
        left = claim(decide(found, [named]), found, [named])
        assert left is not None
        assert left.budgets == claimed

    @pytest.mark.parametrize(("looks", "claimed"), [(4, {Budget.INVITE}), (5, {Budget.INVITE, Budget.RESOLVE})])
    def test_look_ups_are_claimed_with_the_action_where_they_are_the_scarcer_ones(
        self, looks: int, claimed: set[Budget]
    ) -> None:
        limits = replace(LIMITS, daily=dict.fromkeys(Budget, 10) | {Budget.INVITE: 6})
        paced = at(
            limits=limits,
            usage=spent(Budget.INVITE, 1, next_at=NOW + HOUR) | spent(Budget.RESOLVE, looks),
            terms=Terms(),
        )
        named = replace(INVITE, lookup=Budget.RESOLVE)
        left = claim(decide(paced, [named]), paced, [named])
        assert left is not None
        assert left.budgets == claimed

    def test_an_action_claims_the_account_until_after_its_gap(self) -> None:
        found = claim(Act(INVITE), at(), [INVITE])
        assert found == Claim("mine", 3, NOW + LONGEST + PATIENCE)

    @pytest.mark.parametrize("until", [NOW.replace(hour=18, minute=0), NOW.replace(hour=19)])
    def test_nothing_is_claimed_past_the_campaign_s_own_hours(self, until: datetime) -> None:
        paced = at(usage=spent(Budget.INVITE, 1, next_at=until), terms=Terms(schedule=OFFICE))
        decision = decide(paced, [INVITE])
        assert decision == Rest(until, Why.PACE)
        assert claim(decision, paced, [INVITE]) is None

    @pytest.mark.parametrize("why", [Why.OUTSIDE_WINDOW, Why.SCHEDULED, Why.NOT_ADMIN, Why.NOT_CHOSEN])
    def test_who_cannot_act_claims_nothing(self, why: Why) -> None:
        assert claim(Rest(NOW + HOUR, why), at(), [INVITE]) is None
        assert claim(Rest(None, Why.ACCOUNT_BLOCKED), at(), [INVITE]) is None
