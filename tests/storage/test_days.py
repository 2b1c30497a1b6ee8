"""Days of several campaigns on shared accounts, on the real PostgreSQL: the invariants of `tests.domain.test_sharing`
over what the store let happen, with calls in flight, bans, rests, pauses, edits and accounts that come and go."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from uuid import UUID

import pytest

from domain.account import ExternalStatus
from domain.campaign import ENDS, Command
from domain.errors import Forbidden
from domain.limits import Limits, SlowDown
from domain.platform import Action, Budget
from domain.policy import GiveWay
from domain.schedule import Schedule, Window
from domain.standing import Rest
from domain.terms import Pace, Terms
from domain.turn import Turn
from storage.campaigns import Edit
from tests.storage.world import (
    BANNED,
    FLOOD,
    GAP,
    HOUR,
    INVITED,
    MESSAGED,
    NOW,
    OWNER,
    PEER_FLOOD,
    PLATFORM,
    PRIVACY,
    SECOND,
    World,
    known,
    make_limits,
)

DAY = timedelta(days=1)
LIMITS = {Budget.INVITE: 5, Budget.MESSAGE: 4}
HOURS = Schedule(windows=(Window(frozenset(range(7)), 8 * 60, 20 * 60),), zone="Europe/Berlin")
ANSWERS = [*[INVITED] * 6, PRIVACY, FLOOD, PEER_FLOOD, BANNED]


@dataclass(frozen=True)
class Call:
    """One call to the platform, as it was allowed."""

    campaign: str
    account: str
    budget: Budget
    at: datetime
    terms: Terms
    rivals: int


@dataclass
class Days:
    """Who does what next, and what was done."""

    world: World
    chance: Random
    campaigns: dict[str, Terms] = field(default_factory=dict)
    accounts: list[str] = field(default_factory=list)
    next_at: dict[tuple[str, str], datetime] = field(default_factory=dict)
    actions: dict[tuple[str, str], Action] = field(default_factory=dict)
    flying: dict[str, tuple[datetime, str, Turn]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    calm: bool = False

    async def start(self) -> None:
        self.accounts = ["a", "b"]
        for people, terms in (
            (9, Terms(priority=2, schedule=HOURS, daily={Budget.INVITE: 3})),
            (8, Terms(priority=4, pace=Pace.FAST)),
            (6, Terms(priority=4, schedule=replace(HOURS, start_at=NOW + 5 * HOUR))),
        ):
            name = await self.world.campaign(people, accounts=self.accounts, fallback=True, terms=terms)
            self.campaigns[name] = terms
        self.wake(*self.campaigns)

    def wake(self, *campaigns: str) -> None:
        for campaign in campaigns:
            self.next_at |= {(campaign, each): self.world.now for each in self.accounts}

    async def step(self) -> None:
        """Whatever comes next in time: the end of a call, or a run that looks again."""
        landing = min(self.flying.items(), key=lambda each: each[1][0], default=None)
        run = min(self.next_at.items(), key=lambda each: each[1], default=None)
        if landing is not None and (run is None or landing[1][0] <= run[1]):
            account, (at, campaign, turn) = landing
            del self.flying[account]
            self.world.now = max(self.world.now, at)
            await self.settle(campaign, account, turn)
        elif run is not None:
            (campaign, account), at = run
            del self.next_at[campaign, account]
            self.world.now = max(self.world.now, at)
            await self.begin(campaign, account)
        else:
            self.world.now += HOUR
        if run is None or self.chance.random() < 0.1:
            await self.review()

    async def begin(self, campaign: str, account: str) -> None:
        if account in self.flying and self.flying[account][1] == campaign:
            return  # its run is within the call, and looks again after it
        action = self.actions.get((campaign, account), Action.INVITE)
        rivals = await self.world.query(
            "SELECT budgets FROM waiter WHERE account_id = %s AND campaign_id <> %s AND priority < %s AND until > %s",
            *(account, campaign, self.campaigns[campaign].priority, self.world.now),
        )
        begun = await self.world.begin(campaign, account, action)
        if isinstance(begun, Turn):
            held = [each for each in rivals if not each["budgets"] or action.value in each["budgets"]]
            await self.call(campaign, account, begun, len(held))
        elif isinstance(begun, Rest | GiveWay) and begun.until is not None:
            assert begun.until > self.world.now
            self.next_at[campaign, account] = begun.until
        elif (wanted := getattr(begun, "waiting", None)) is not None:
            self.actions[campaign, account] = wanted.action
            self.next_at[campaign, account] = self.world.now

    async def call(self, campaign: str, account: str, turn: Turn, rivals: int) -> None:
        assert account not in self.flying, "two turns of one account at once"
        self.world.now += SECOND * self.chance.randrange(3)
        landed = self.world.now + SECOND * self.chance.choice([1, 1, 2, 3])
        if await self.world.mark(turn, campaign, account):
            budget = Budget(turn.action.value)
            self.calls.append(Call(campaign, account, budget, self.world.now, self.campaigns[campaign], rivals))
            self.flying[account] = (landed, campaign, turn)
        else:
            await self.world.settle(turn, None, account)
            self.next_at[campaign, account] = self.world.now + GAP

    async def settle(self, campaign: str, account: str, turn: Turn) -> None:
        outcome = INVITED if self.calm else self.chance.choice(ANSWERS)
        if turn.action is Action.MESSAGE and outcome in (INVITED, PRIVACY):
            outcome = MESSAGED
        await self.world.settle(turn, outcome, account)
        self.wake(campaign)

    async def review(self) -> None:
        for campaign in self.campaigns:
            found = await self.world.runs.review(OWNER, campaign, None, self.world.now)
            for account in found.wake:
                self.next_at.setdefault((campaign, account), self.world.now)
            for freed in found.freed:
                self.wake(freed)

    async def happens(self) -> None:
        """Something of what owners and neighbours do."""
        campaign = self.chance.choice(list(self.campaigns))
        account = self.chance.choice(self.accounts)
        match self.chance.randrange(6):
            case 0 | 1 as n:
                await self.command(campaign, (Command.PAUSE, Command.RESUME)[n])
            case 2:
                terms = replace(
                    self.campaigns[campaign],
                    priority=self.chance.randint(1, 5),
                    pace=self.chance.choice(list(Pace)),
                    daily=self.chance.choice([{}, {Budget.INVITE: 2}]),
                )
                await self.edit(campaign, terms)
            case 3:
                await self.world.owned.enable(OWNER, account, self.world.now)
            case 4:
                status = self.chance.choice([ExternalStatus.ACTIVE, ExternalStatus.INACTIVE])
                await self.world.lists(known(account, status))
            case 5 if len(self.accounts) < 4:
                await self.add(f"new-{len(self.accounts)}")
        self.wake(*self.campaigns)

    async def command(self, campaign: str, command: Command) -> None:
        try:
            await self.world.command(campaign, command)
        except Forbidden:
            pass  # it has ended, or is what it is told to be

    async def edit(self, campaign: str, terms: Terms) -> None:
        if (await self.world.view(campaign)).phase in ENDS:
            return
        await self.world.campaigns.edit(OWNER, UUID(campaign), Edit(terms=terms), self.world.now)
        self.campaigns[campaign] = terms
        await self.review()

    async def add(self, account: str) -> None:
        self.accounts.append(account)
        for campaign in self.campaigns:
            await self.world.enlist(campaign, [account])

    async def end_of_trouble(self) -> None:
        self.calm = True
        for account in self.accounts:
            await self.world.lists(known(account))
            await self.world.owned.enable(OWNER, account, self.world.now)
        for campaign in self.campaigns:
            await self.command(campaign, Command.RESUME)
        self.wake(*self.campaigns)

    async def over(self) -> bool:
        rows = await self.world.query("SELECT FROM campaign WHERE ended_at IS NULL")
        return not rows

    # What must hold

    async def check(self) -> None:
        for each in self.calls:
            hours = each.terms.schedule
            assert hours.is_open(each.at), "outside its hours"
            assert hours.start_at is None or hours.start_at <= each.at, "before its start"
            assert not each.rivals, "a higher campaign had a live claim"
        for account in self.accounts:
            self._check_limits([each for each in self.calls if each.account == account])
            turns = await self.world.query(
                "SELECT opened_at, closed_at FROM turn WHERE account_id = %s AND EXISTS "
                "(SELECT FROM attempt a WHERE a.turn_id = turn.id AND a.sent_at IS NOT NULL) ORDER BY opened_at",
                account,
            )
            for earlier, later in pairwise(turns):
                assert later["opened_at"] >= earlier["closed_at"] + GAP, "closer than the floor"
        for campaign in self.campaigns:
            await self.world.check(campaign)

    def _check_limits(self, calls: list[Call]) -> None:
        for number, call in enumerate(calls):
            lately = [each for each in calls[: number + 1] if each.at > call.at - DAY and each.budget is call.budget]
            assert len(lately) <= LIMITS[call.budget], "more than the limit within 24 hours"
            own = call.terms.daily.get(call.budget, LIMITS[call.budget])
            assert sum(each.campaign == call.campaign for each in lately) <= own, "more than its own limit"


def ended(counts: Mapping[int, tuple[str | None, str | None]]) -> bool:
    return all(outcome is not None for outcome, _ in counts.values())


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_happens_what_must_hold_holds_and_nobody_is_forgotten(world: World, seed: int) -> None:
    limits = make_limits(invites=LIMITS[Budget.INVITE], messages=LIMITS[Budget.MESSAGE], rests=(6 * HOUR, DAY))
    section = replace(limits.of(PLATFORM), slow_down=SlowDown(2.0, 8.0, 6 * HOUR), gone_for=300 * DAY)
    world.limits = Limits({PLATFORM: section})
    days = Days(world, Random(seed))
    await days.start()
    for _ in range(10):
        for _ in range(8):
            await days.step()
        world.now += HOUR * days.chance.choice([0, 0, 1, 5])
        await days.happens()
    await days.end_of_trouble()
    for _ in range(600):
        await days.step()
        if not days.flying and await days.over():
            break
    await days.check()
    for campaign in days.campaigns:
        assert ended(await world.recipients(campaign)), "somebody was forgotten"
    assert len(days.calls) >= 20
