"""Three weeks of five campaigns of three owners over forty accounts, and what befalls them."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.campaign import Command
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Action, Budget
from domain.schedule import ALWAYS, Schedule, Window
from domain.terms import Pace, Terms
from storage.campaigns import Edit
from tests.simulation.platform import BANNED
from tests.simulation.town import Town

DAYS = 21
OLD = timedelta(days=400)
"""Age of the accounts that are there from the start."""
POLL = timedelta(hours=12)
EVERY_DAY, WORKING_DAYS = frozenset(range(7)), frozenset(range(5))
OFFICE = Schedule(windows=(Window(WORKING_DAYS, 9 * 60, 18 * 60),), zone="Europe/Moscow")
DAYTIME = Schedule(windows=(Window(EVERY_DAY, 8 * 60, 20 * 60),), zone="Europe/Berlin")
SHORT = Schedule(windows=(Window(EVERY_DAY, 10 * 60, 16 * 60),), zone="America/New_York")
FLOOD = Outcome(Kind.RATE_LIMITED, Reason.FLOOD_WAIT, timedelta(hours=6))
PEER_FLOOD = Outcome(Kind.LIMITED, Reason.PEER_FLOOD)
ANNA, BORIS, CLARA = "anna", "boris", "clara"
QUIET = "quiet"
"""The campaign that nothing befalls."""

_LIMITS = """
[{name}]
gap = {{ shortest = "10s", longest = "15s" }}
daily.invite = {daily}
daily.message = {daily}
daily.message_with_link = 0
daily.forward = 0
daily.add_contact = 0
daily.resolve = {looks}
ages = [{{ younger_than = "3d", share = 0.5 }}]
limited_rests = ["24h", "72h", "7d"]
unavailable_rest = "1m"
slow_down = {{ factor = 2.0, most = 8.0, calm = "6h" }}
platform_slow_down = {{ floods = 5, slower_by = 0.2 }}
guardrails = {{ sample = 40, refused = 0.95, flooded = 0.5, blocked = 0.5 }}
gone_for = "72h"
"""


@dataclass(frozen=True)
class Plan:
    """How much there is to do. `daily`: each account's limit for invites, and for messages."""

    recipients: int

    @property
    def daily(self) -> int:
        """So that the work takes about the three weeks."""
        return max(1, math.ceil(self.recipients / 530))

    @property
    def limits(self) -> str:
        """The limits file's text."""
        return "".join(
            _LIMITS.format(name=name, daily=self.daily, looks=self.daily * 4) for name in ("telegram", "dry_run")
        )

    def part(self, share: float) -> int:
        """So many people."""
        return round(self.recipients * share)


@dataclass
class Course:
    """What happened to the terms: `hours` of each campaign from when on, `pauses` from when until when.

    `planned`: people settled by the time, as each campaign's plan had it at the start, and `ends`: when it ended by it.
    """

    hours: dict[str, list[tuple[datetime, Schedule]]] = field(default_factory=dict)
    pauses: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    began: datetime | None = None
    planned: dict[str, list[tuple[datetime, int]]] = field(default_factory=dict)
    ends: dict[str, datetime] = field(default_factory=dict)


Happening = Callable[[Town, Course], Awaitable[None]]


def _people(label: str, n: int) -> Sequence[str]:
    return [f"{label}_{number:05}" for number in range(n)]


def _start(
    plan: Plan,
    owner: str,
    label: str,
    share: float,
    terms: Terms,
    action: Action = Action.INVITE,
    accounts: Sequence[str] | None = None,
) -> Happening:
    async def happen(town: Town, course: Course) -> None:
        course.hours[label] = [(await town.now(), terms.schedule)]
        people = _people(label, plan.part(share))
        await town.campaign(owner, label, people, terms, action=action, accounts=accounts)
        await _note_the_plan(town, course, label)

    return happen


async def _note_the_plan(town: Town, course: Course, label: str) -> None:
    """Its progress, with as many actions a person as it takes on the whole."""
    planned = await town.plan(label)
    assert planned.ends is not None, planned
    course.ends[label] = planned.ends.planned
    zone = ZoneInfo(course.hours[label][-1][1].zone)
    done, points = 0.0, [(planned.made_at, 0)]
    for day, n in planned.days:
        done += n
        midnight = datetime.combine(day + timedelta(days=1), time(), zone)
        points.append((min(midnight, planned.ends.planned), round(planned.people * done / planned.actions)))
    course.planned[label] = points


def _mishap(account_id: str, outcome: Outcome) -> Happening:
    async def happen(town: Town, course: Course) -> None:
        town.platform.mishaps.setdefault(account_id, []).append((await town.now(), outcome))

    return happen


def _listed(owner: str, account_id: str, *, status: str = "active", version: int = 1, new: bool = False) -> Happening:
    async def happen(town: Town, course: Course) -> None:
        now = await town.now()
        town.platform.banned.discard(account_id)
        town.neighbour.put(owner, account_id, now if new else now - OLD, version, status)

    return happen


def _paused_for(label: str, length: timedelta) -> Happening:
    async def happen(town: Town, course: Course) -> None:
        await town.command(label, Command.PAUSE)
        now = await town.now()
        course.pauses.append((label, now, now + length))

    return happen


def _command(label: str, command: Command) -> Happening:
    async def happen(town: Town, course: Course) -> None:
        if (await town.view(label)).ended_at is None:
            await town.command(label, command)

    return happen


def _edit(label: str, change: Callable[[Terms], Terms]) -> Happening:
    async def happen(town: Town, course: Course) -> None:
        view = await town.view(label)
        if view.ended_at is not None:
            return
        terms = change(view.terms)
        await town.edit(label, Edit(terms=terms))
        course.hours[label].append((await town.now(), terms.schedule))

    return happen


async def _temporal_is_lost(town: Town, course: Course) -> None:
    await town.lose_temporal()


def happenings(plan: Plan) -> Sequence[tuple[float, Happening]]:
    """What happens, by the day on which it does."""
    even = Terms()
    ten = [f"a{number:02}" for number in range(10)]
    return sorted(
        (
            (0.0, _start(plan, ANNA, "spring", 0.30, even)),
            (1.0, _mishap("a03", FLOOD)),
            (1.5, _mishap("a05", PEER_FLOOD)),
            (2.0, _start(plan, BORIS, "club", 0.25, replace(even, priority=2, schedule=DAYTIME))),
            (2.5, _mishap("a07", BANNED)),
            (3.0, _paused_for("spring", timedelta(days=4))),
            (4.0, _start(plan, BORIS, "letters", 0.15, Terms(priority=4, pace=Pace.FAST), Action.MESSAGE)),
            (5.0, _listed(ANNA, "a20", new=True)),
            (5.0, _listed(ANNA, "a21", new=True)),
            (6.0, _edit("club", lambda terms: replace(terms, daily={Budget.INVITE: max(plan.daily // 2, 1)}))),
            (6.5, _edit("letters", lambda terms: replace(terms, schedule=SHORT))),
            (7.0, _command("spring", Command.RESUME)),
            (7.0, _start(plan, ANNA, "urgent", 0.15, replace(even, priority=1, schedule=OFFICE), accounts=ten)),
            (7.5, _listed(ANNA, "a07", version=2)),
            (8.0, _listed(BORIS, "b02", status="inactive")),
            (8.5, _edit("club", lambda terms: replace(terms, daily={}, schedule=ALWAYS))),
            (9.0, _mishap("b05", BANNED)),
            (10.0, _edit("urgent", lambda terms: replace(terms, priority=5))),
            (11.0, _listed(BORIS, "b02")),
            (12.0, _temporal_is_lost),
            (14.0, _start(plan, CLARA, QUIET, 0.15, even)),
        ),
        key=lambda each: each[0],
    )


async def play(town: Town, plan: Plan, look: Callable[[], Awaitable[None]] | None = None) -> Course:
    """Let it all happen, until every campaign has ended. `look` is called after each happening."""
    now = await town.now()
    course = Course(began=now)
    for owner, letter, n in ((ANNA, "a", 20), (BORIS, "b", 12), (CLARA, "c", 8)):
        for number in range(n):
            town.neighbour.put(owner, f"{letter}{number:02}", now - OLD)
    for day, happen in happenings(plan):
        await town.sleep_until(now + timedelta(days=day))
        await happen(town, course)
        if look is not None:
            await look()
    end = now + timedelta(days=3 * DAYS)
    while not await town.ended():
        assert await town.now() < end, "a campaign has not ended"
        await town.sleep_until(await town.now() + timedelta(hours=12))
        if look is not None:
            await look()
    return course
