"""The plan (LIM-2): how fast a campaign will go and when it will end, while nothing goes wrong and its accounts serve
no other campaign. It is the policy run ahead; what was spent and who rests now is in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.ahead import HORIZON
from domain.bound import Bound, bound
from domain.budgets import Usage
from domain.crews import Fleet, Member, Request, alike
from domain.platform import Budget
from domain.policy import Campaign, NothingNow, Situation, decide
from domain.spreading import MINUTE_OVER, Crew, Spread, spread
from domain.standing import Rest
from domain.why import Why

MARGIN = 0.05
"""The range of a plan's end: as though so much less, or more, of the work were left."""
MORE = (1, 5, 10)
"""How many accounts more a plan is made for besides."""
FIRST_DAYS = 14
"""Days that are shown one by one."""
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@dataclass(frozen=True)
class Ends:
    """When the campaign ends: at the earliest (fewer people left, nobody refuses), as planned, at the latest."""

    earliest: datetime
    planned: datetime
    latest: datetime


@dataclass(frozen=True)
class Line:
    """One account. `rest`: why it does nothing at the moment, if so. `days`: actions on each of the plan's first days.

    `per_minute`: over the next hour. `per_day`: on the average day until the end.
    """

    account_id: str
    label: str
    rest: Rest | None
    per_minute: float
    per_day: float
    days: Sequence[float]


@dataclass(frozen=True)
class Plan:
    """The forecast. `ends`: None, if it never ends; `bound` says why. `budget`: the one that bounds it, if one does.

    `actions`: until the end; a refused invite and the message instead of it are two, of which `refusals` is the share
    that was assumed. `days`: over all accounts, on each of the first days by the calendar of the campaign's zone.
    `more`: the planned end with so many more accounts, connected now; None: never.
    """

    made_at: datetime
    people: int
    actions: float
    refusals: float | None
    ends: Ends | None
    bound: Bound
    budget: Budget | None
    per_minute: float
    per_day: float
    days: Sequence[tuple[date, float]]
    accounts: Sequence[Line]
    more: Mapping[int, datetime | None]


def plan(request: Request) -> Plan:
    """Run the policy ahead for everybody who waits."""
    fleet = Fleet(request)
    members = alike(request)
    crews = [fleet.crew(each) for each in members]
    planned = _spread(request, crews)
    found, budget = bound(request, crews, planned) if request.people else (Bound.NOTHING_LEFT, None)
    dates = _dates(request, planned)
    return Plan(
        made_at=request.now,
        people=request.people,
        actions=planned.total,
        refusals=request.refusals if request.falls_back else None,
        ends=_ends(request, crews, planned),
        bound=found,
        budget=budget,
        per_minute=sum(planned.soon.values()) * (MINUTE / MINUTE_OVER),
        per_day=_per_day(request, planned, planned.total),
        days=[(day, sum(each.get(day, 0.0) for each in planned.days.values())) for day in dates],
        accounts=_lines(request, members, planned, dates),
        more={k: _end(request, [*crews, fleet.more(k)]) for k in MORE},
    )


def expected_end(request: Request) -> datetime | None:
    """The planned end alone, which costs less. None: never."""
    fleet = Fleet(request)
    return _end(request, [fleet.crew(each) for each in alike(request)])


def _spread(request: Request, crews: Sequence[Crew]) -> Spread:
    return spread(crews, request.stages(1.0, request.refusals), request.now, request.terms.schedule)


def _end(request: Request, crews: Sequence[Crew], part: float = 1.0, refusals: float | None = None) -> datetime | None:
    stages = request.stages(part, request.refusals if refusals is None else refusals)
    return spread(crews, stages, request.now, request.terms.schedule, only_end=True).end


def _ends(request: Request, crews: Sequence[Crew], planned: Spread) -> Ends | None:
    if planned.end is None or not request.people:
        return None
    earliest = _end(request, crews, 1 - MARGIN, 0.0) or planned.end
    latest = _end(request, crews, 1 + MARGIN) or planned.end
    return Ends(min(earliest, planned.end), planned.end, max(latest, planned.end))


def _dates(request: Request, planned: Spread) -> list[date]:
    zone = ZoneInfo(request.terms.schedule.zone)
    first = request.now.astimezone(zone).date()
    last = first + FIRST_DAYS * DAY if planned.end is None else planned.end.astimezone(zone).date()
    return [first + n * DAY for n in range(min((last - first).days + 1, FIRST_DAYS))]


def _per_day(request: Request, planned: Spread, actions: float) -> float:
    """On the average day until the end; if that is nearer than a day, all."""
    end = request.now + HORIZON if planned.end is None else planned.end
    return actions / max((end - request.now) / DAY, 1.0)


def _lines(request: Request, crews: Sequence[Sequence[Member]], planned: Spread, days: Sequence[date]) -> list[Line]:
    crew_of = {member.account_id: number for number, crew in enumerate(crews) for member in crew}
    lines = []
    for member in request.members:
        number = crew_of.get(member.account_id, -1)
        size = len(crews[number]) if number >= 0 else 1
        done: Mapping[date, float] = planned.days.get(number, {})
        lines.append(
            Line(
                account_id=member.account_id,
                label=member.label,
                rest=_rest(request, member),
                per_minute=planned.soon.get(number, 0.0) / size * (MINUTE / MINUTE_OVER),
                per_day=_per_day(request, planned, sum(done.values())) / size,
                days=[done.get(day, 0.0) / size for day in days],
            )
        )
    return lines


def _rest(request: Request, member: Member) -> Rest | None:
    """Why the account would do nothing at this moment, if so."""
    if not member.active:
        return Rest(None, Why.ACCOUNT_INACTIVE)
    usage: Usage = member.usage
    situation = Situation(request.now, member.standing, request.limits, usage, Campaign("", request.terms))
    waiting = [
        lane.waiting
        for number, work in enumerate(request.work)
        if request.may(member, work) and any(work.waiting.values())
        for lane in request.lanes(number)
        if lane.share
    ]
    decision = decide(situation, waiting)
    if isinstance(decision, NothingNow):
        return Rest(None, Why.QUEUE_EMPTY if member.may_invite else Why.NOT_ADMIN)
    return decision if isinstance(decision, Rest) else None
