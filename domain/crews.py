"""What a plan is made from, and its accounts run ahead: those that stand alike as one crew."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise

from domain.account import AccountState
from domain.ahead import Courses, Lane, Rules
from domain.budgets import Spent, Usage, used
from domain.limits import PlatformLimits, Scope
from domain.outcome import INVITE_FALLBACK, Kind, Party
from domain.platform import Action, Budget, Identifier
from domain.policy import Waiting
from domain.spreading import Crew, Stage, Tape
from domain.standing import Standing, account_rest
from domain.statistics import Count
from domain.terms import Pace, Terms

TYPICAL_REFUSALS = 0.44
"""Share of invites that people's privacy settings refuse, where a campaign has no figure of its own yet: what another
tool saw in production."""
REFUSALS_SAMPLE = 50
"""So many invites make a figure of its own."""
CREWS = 32
"""So many different accounts are run ahead; of more, one stands for its neighbours in the order of their state."""
EXACT_STEPS, FEWEST_STEPS, MOST_STEPS = 6_000, 60, 1_500
"""So many steps are run from accounts' own states: over all of them, and for each at the least and at the most."""
IDLE_DAYS = 0.3
"""At an even pace one stage leaves its part of shared look-ups to the other for about so long: at the start nobody has
refused, in the end nobody is to be invited. (At a fast one both are spent at once, each day anew.) Measured against the
policy run: without it plans of a few days were a fifth too long."""
LOOKUPS = {Identifier.USERNAME: Budget.RESOLVE, Identifier.PHONE: Budget.ADD_CONTACT}
"""What looking somebody up is paid from."""


@dataclass(frozen=True)
class Member:
    """An account of the plan. `active`: it is switched on in its owner's list. `usage`: what it spent in 24 hours."""

    account_id: str
    label: str
    standing: Standing
    usage: Usage = field(default_factory=dict)
    may_invite: bool = True
    active: bool = True

    @property
    def works(self) -> bool:
        """Whether it will ever act, as it stands."""
        return self.active and self.standing.state is not AccountState.BLOCKED


@dataclass(frozen=True)
class Work:
    """One kind of action, what it is paid from, and how many wait for it, by how they are looked up."""

    action: Action
    budget: Budget
    waiting: Mapping[Identifier, int]


@dataclass(frozen=True)
class Request:
    """What is planned.

    `work`: in the order in which a recipient goes through it; adding a contact leads to the next for everybody, an
    invite for the share `refusals`, who are written to instead. `inviting`: contacts are added by who may invite.
    """

    now: datetime
    limits: PlatformLimits
    terms: Terms
    members: Sequence[Member]
    work: Sequence[Work]
    refusals: float = TYPICAL_REFUSALS

    @property
    def people(self) -> int:
        """How many wait."""
        return sum(sum(each.waiting.values()) for each in self.work)

    @property
    def inviting(self) -> bool:
        """Whether people are added to a group or channel."""
        return any(each.action is Action.INVITE for each in self.work)

    @property
    def falls_back(self) -> bool:
        """Whether refused invites become messages."""
        return self.inviting and any(each.action is Action.MESSAGE for each in self.work)

    def goes_on(self, number: int, refusals: float) -> float:
        """The share of people for whom the next kind of work follows that one."""
        if number + 1 == len(self.work):
            return 0.0
        return {Action.ADD_CONTACT: 1.0, Action.INVITE: refusals}.get(self.work[number].action, 0.0)

    def may(self, member: Member, work: Work) -> bool:
        """Whether the account has the right to do it."""
        needs_right = work.action is Action.INVITE or (work.action is Action.ADD_CONTACT and self.inviting)
        return member.may_invite or not needs_right

    def stages(self, part: float, refusals: float) -> list[Stage]:
        """The work as it waits; `part`: as though so much of it were left."""
        return [
            Stage(tuple(each.waiting.get(lane, 0) * part for lane in Identifier), self.goes_on(number, refusals))
            for number, each in enumerate(self.work)
        ]

    def lanes(self, number: int) -> tuple[Lane, ...]:
        """That stage of the work, by how people are looked up. Whom an account has added as a contact it knows."""
        work = self.work[number]
        known = any(each.action is Action.ADD_CONTACT for each in self.work[:number])
        lookups = {} if known else {lane: each for lane, each in LOOKUPS.items() if each is not work.budget}
        return tuple(
            Lane(
                Waiting(work.action, work.budget, lane, lookups.get(lane)),
                sum(each.waiting.get(lane, 0) for each in self.work),
            )
            for lane in Identifier
        )


def refusal_share(counts: Iterable[Count]) -> float | None:
    """What share of a campaign's invites was refused in a way that a message follows. None: too few to tell."""
    answered = [
        each
        for each in counts
        if each.action == Action.INVITE and Kind(each.kind).party in (Party.NOBODY, Party.RECIPIENT)
    ]
    invites = sum(each.n for each in answered)
    refused = sum(each.n for each in answered if each.kind == Kind.REFUSED and each.reason in INVITE_FALLBACK)
    return refused / invites if invites >= REFUSALS_SAMPLE else None


def works(
    action: Action,
    add_contact_first: bool,
    message_when_refused: bool,
    texts_budget: Budget,
    waiting: Mapping[tuple[Action, Identifier], int],
) -> list[Work]:
    """The kinds of work of a campaign, in the order in which a recipient goes through them."""
    kinds = [(Action.ADD_CONTACT, Budget.ADD_CONTACT)] if add_contact_first or action is Action.ADD_CONTACT else []
    kinds += [(Action.INVITE, Budget.INVITE)] if action is Action.INVITE else []
    messages = action is Action.MESSAGE or (action is Action.INVITE and message_when_refused)
    kinds += [(Action.MESSAGE, texts_budget)] if messages else []
    return [
        Work(kind, budget, {lane: n for (each, lane), n in waiting.items() if each is kind}) for kind, budget in kinds
    ]


def alike(request: Request) -> list[list[Member]]:
    """The accounts that can work, in crews that stand alike; of many, the differences within one are small."""
    by_state: dict[object, list[Member]] = {}
    for member in request.members:
        if member.works:
            by_state.setdefault(_state(member), []).append(member)
    groups = sorted(by_state.values(), key=lambda group: _order(request, group[0]))
    if len(groups) <= CREWS:
        return groups
    members = [member for group in groups for member in group]
    cuts = [len(members) * number // CREWS for number in range(CREWS + 1)]
    return [members[begin:end] for begin, end in pairwise(cuts)]


def _state(member: Member) -> object:
    usage = tuple(sorted((budget.value, tuple(spent)) for budget, spent in member.usage.items()))
    return replace(member.standing, reported=True, failures=0, times_limited=0), member.may_invite, usage


def _order(request: Request, member: Member) -> tuple[bool, datetime, datetime, int]:
    rest = account_rest(request.now, member.standing)
    until = rest.until if rest and rest.until else request.now
    used = sum(each.amount for spent in member.usage.values() for each in spent)
    return member.may_invite, until, member.standing.created_at or datetime.min.replace(tzinfo=until.tzinfo), used


class Fleet:
    """Crews with what they would do of each stage of the work."""

    def __init__(self, request: Request) -> None:
        self._request = request
        working = [each for each in request.members if each.works]
        self._share = max(-(-request.people // max(len(working), 1)), 1)
        self._portfolios = [each.standing.portfolio for each in working if each.standing.portfolio]
        crews = min(len(working), CREWS) + 1
        self._exact = max(min(EXACT_STEPS // crews // max(len(request.work), 1), MOST_STEPS), FEWEST_STEPS)
        self._courses: dict[object, list[Courses]] = {}
        self._new = self._run(Member("", "", Standing(AccountState.ACTIVE, created_at=request.now)))

    def crew(self, members: Sequence[Member]) -> Crew:
        """Of accounts that stand alike: as the middle one of them does."""
        return Crew(len(members), self._run(members[len(members) // 2]))

    def more(self, size: int) -> Crew:
        """Of so many new accounts, connected now, that may invite."""
        return Crew(size, self._new)

    def _run(self, member: Member) -> list[Tape | None]:
        """Where a portfolio shares a budget, each of its accounts has its part of the limit, and of what was spent."""
        sharers = self._portfolios.count(member.standing.portfolio or "") or 1
        scope = self._request.limits.scope
        shared = frozenset(each for each in Budget if scope(each) is Scope.PORTFOLIO and sharers > 1)
        usage = {
            budget: [Spent(each.hour, -(-each.amount // sharers), each.next_at) for each in spent]
            if budget in shared
            else spent
            for budget, spent in member.usage.items()
        }
        courses = self._courses_of(shared, sharers)
        return [
            Tape(each.of(member.standing, usage)) if self._request.may(member, work) else None
            for each, work in zip(courses, self._request.work, strict=True)
        ]

    def _courses_of(self, shared: frozenset[Budget], sharers: int) -> list[Courses]:
        key = (shared, sharers if shared else 1)
        if key not in self._courses:
            self._courses[key] = [
                self._course(number, part, shared, sharers)
                for number, part in enumerate(_parts_of_lookups(self._request))
            ]
        return self._courses[key]

    def _course(self, number: int, part: float, shared: frozenset[Budget], sharers: int) -> Courses:
        request = self._request
        lookups = {lane.waiting.lookup for lane in request.lanes(number)} - {None}
        parts = {each: (part if each in lookups else 1.0) / (sharers if each in shared else 1) for each in Budget}
        limits, terms = _narrowed(request.limits, request.terms, parts)
        return Courses(Rules(limits, terms, request.lanes(number), self._share), request.now, self._exact)


def _parts_of_lookups(request: Request) -> list[float]:
    """People who go on to another stage are looked up for both, from the same budget: each stage's part of that."""
    passing: list[float] = []
    coming = 0.0
    for number, work in enumerate(request.work):
        coming += sum(work.waiting.values())
        looked_up = any(lane.waiting.lookup for lane in request.lanes(number))
        passing.append(coming if looked_up else 0.0)
        coming *= request.goes_on(number, request.refusals)
    every = sum(passing)
    days = _days_of_lookups(request, every)
    if days <= 1:  # nobody waits for another
        return [1.0] * len(passing)
    fuller = 1 + IDLE_DAYS / days if request.terms.pace is Pace.EVEN else 1.0
    return [min(each / every * fuller, 1.0) if each else 1.0 for each in passing]


def _days_of_lookups(request: Request, lookups: float) -> float:
    """For how many days so many look-ups are enough, at what the accounts have left of this one."""
    share = lookups / max(request.people, 1)
    days = 0.0
    for lane, budget in LOOKUPS.items():
        people = sum(each.waiting.get(lane, 0) for each in request.work)
        room = sum(_room(request, member, budget) for member in request.members if member.works)
        days = max(days, people * share / max(room, 1))
    return days


def _room(request: Request, member: Member, budget: Budget) -> int:
    standing = member.standing
    ceiling = request.limits.ceilings(standing.created_at, standing.tier, request.now)[budget]
    ceiling = min(ceiling, request.terms.daily.get(budget, ceiling))
    return max(ceiling - used(request.now, member.usage.get(budget, ())), 0)


def _narrowed(limits: PlatformLimits, terms: Terms, parts: Mapping[Budget, float]) -> tuple[PlatformLimits, Terms]:
    """With a part of these budgets only."""
    if all(part == 1 for part in parts.values()):
        return limits, terms

    def cut(amounts: Mapping[Budget, int]) -> Mapping[Budget, int]:
        return {each: max(round(n * parts.get(each, 1)), min(n, 1)) for each, n in amounts.items()}

    ages = tuple(replace(age, daily=cut(age.daily)) for age in limits.ages)
    tiers = {tier: cut(amounts) for tier, amounts in limits.tiers.items()}
    return replace(limits, daily=cut(limits.daily), ages=ages, tiers=tiers), replace(terms, daily=cut(terms.daily))
