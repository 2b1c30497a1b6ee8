"""Campaigns, accounts and their queue in memory, driven by the pure policy alone: whoever is told to act acts.

It stands for the stores and the workflows: claims are written as `begin` does, runs sleep until their rest's end and
are woken by what wakes them in earnest. What was done is kept in a journal.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count, islice
from random import Random

from domain import policy
from domain.account import AccountState
from domain.budgets import Spent, Usage, hour_of
from domain.limits import PlatformLimits
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Action, Budget
from domain.policy import Act, Claim, Decision, GiveWay, Situation, Waiting
from domain.standing import FLOOD_SIGNS, Rest, Standing, after
from domain.terms import Terms
from domain.turn import TRIES

HOUR = timedelta(hours=1)
BUSY_RETRY = timedelta(seconds=1)
REMEMBERED = 26
"""Hours of usage at most that may still count."""
OPEN, SETTLE = 1, 0
KINDS = {
    Action.INVITE: Waiting(Action.INVITE, Budget.INVITE),
    Action.MESSAGE: Waiting(Action.MESSAGE, Budget.MESSAGE),
}


@dataclass(eq=False)
class Somebody:
    """A recipient who waits."""

    action: Action
    tried: tuple[str, ...] = ()


@dataclass
class Job:
    """A campaign: its terms, whom it still has to do, and what became of the others."""

    name: str
    terms: Terms
    accounts: set[str]
    queue: dict[Action, list[Somebody]]
    paused: bool = False
    done: Counter[Kind] = field(default_factory=Counter)
    in_flight: int = 0

    @property
    def left(self) -> int:
        return self.in_flight + sum(map(len, self.queue.values()))


@dataclass(frozen=True)
class Done:
    """A line of the journal: one turn. `rivals`: live claims of higher campaigns on this kind at its begin."""

    account: str
    job: str
    budget: Budget
    size: int
    begin: datetime
    end: datetime
    terms: Terms
    paused: bool
    ceiling: int
    rivals: int


@dataclass
class Town:
    """`odds`: how often, of a hundred, a call ends in a kind other than success."""

    limits: PlatformLimits
    now: datetime
    chance: Random
    odds: dict[Kind, int] = field(default_factory=dict)
    slowest_call: float = 30.0
    accounts: dict[str, Standing] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    claims: dict[tuple[str, str], Claim] = field(default_factory=dict)
    spent: dict[str, dict[Budget, Counter[datetime]]] = field(default_factory=dict)
    own: dict[tuple[str, str], dict[Budget, Counter[datetime]]] = field(default_factory=dict)
    paced: dict[tuple[str, str, Budget], datetime] = field(default_factory=dict)
    busy: dict[str, str] = field(default_factory=dict)
    floods: list[datetime] = field(default_factory=list)
    journal: list[Done] = field(default_factory=list)
    begins: int = 0

    def __post_init__(self) -> None:
        self._events: list[tuple[datetime, int, int, object]] = []
        self._numbers = count()
        self._next: dict[tuple[str, str], int] = {}

    # The owner

    def add_account(self, name: str, created_at: datetime | None = None) -> None:
        self.accounts[name] = Standing(AccountState.ACTIVE, created_at=created_at)
        for job in self.jobs.values():
            job.accounts.add(name)
        self.wake()

    def add_job(self, name: str, terms: Terms, people: int, action: Action) -> None:
        queue: dict[Action, list[Somebody]] = {each: [] for each in KINDS}
        queue[action] = [Somebody(action) for _ in range(people)]
        self.jobs[name] = Job(name, terms, set(self.accounts), queue)
        self.wake(name)

    def enable(self, name: str) -> None:
        self.accounts[name] = replace(self.accounts[name], state=AccountState.ACTIVE, until=None)
        self.wake()

    def pause(self, name: str) -> None:
        self.jobs[name].paused = True
        self._give_up(name)

    def resume(self, name: str) -> None:
        self.jobs[name].paused = False
        self.wake(name)

    def edit(self, name: str, terms: Terms) -> None:
        self.jobs[name].terms = terms
        for key in [key for key in self.paced if key[0] == name]:
            del self.paced[key]
        self.wake(name)

    def wake(self, *names: str) -> None:
        """Have the runs look again."""
        for name in names or list(self.jobs):
            for account in sorted(self.jobs[name].accounts):
                self._at(self.now, name, account)

    # Time

    def run(self, until: datetime) -> None:
        """Play until then, or until nothing happens any more."""
        while self._events and self._events[0][0] <= until:
            self.now, kind, number, what = heappop(self._events)
            if kind == SETTLE:
                self._settle(*what)  # type: ignore[misc]
            elif self._next.get(what) == number:  # type: ignore[call-overload]
                del self._next[what]  # type: ignore[arg-type]
                self._begin(*what)  # type: ignore[misc]
        self.now = until

    def _at(self, moment: datetime, job: str, account: str) -> None:
        number = next(self._numbers)
        self._next[job, account] = number
        heappush(self._events, (moment, OPEN, number, (job, account)))

    # A turn

    def situation(self, job: Job, account: str) -> Situation:
        self.floods = [each for each in self.floods if each > self.now - HOUR]
        others = [each for (name, of), each in self.claims.items() if name == account and of != job.name]
        return Situation(
            self.now,
            self.accounts[account],
            self.limits,
            _usage(self.spent.get(account, {})),
            policy.Campaign(job.name, job.terms, share=max(job.left // max(len(job.accounts), 1), 1)),
            [each for each in others if each.until > self.now],
            len(self.floods),
            {
                budget: [Spent(each.hour, each.amount, self.paced.get((job.name, account, budget))) for each in spent]
                for budget, spent in _usage(self.own.get((job.name, account), {})).items()
            },
        )

    def waiting(self, job: Job, account: str) -> Sequence[Waiting]:
        return [kind for action, kind in KINDS.items() if self._first(job, action, account, 1)]

    def _first(self, job: Job, action: Action, account: str, size: int) -> list[Somebody]:
        """Those of the queue whom the account may take: who failed on it, only once nobody else is untried."""
        able = {each for each in job.accounts if self.accounts[each].state is not AccountState.BLOCKED}
        may = (each for each in job.queue[action] if account not in each.tried or able <= set(each.tried))
        return list(islice(may, size))

    def _begin(self, name: str, account: str) -> None:
        job = self.jobs[name]
        self.begins += 1
        if job.paused:
            self.claims.pop((account, name), None)
            return
        if account in self.busy:
            if self.busy[account] != name:
                until = self.now + BUSY_RETRY + policy.PATIENCE
                self.claims[account, name] = Claim(name, job.terms.priority, until)
                self._at(self.now + BUSY_RETRY, name, account)
            return
        situation = self.situation(job, account)
        waiting = self.waiting(job, account)
        decision = policy.decide(situation, waiting)
        claimed = policy.claim(decision, situation, waiting)
        if claimed is None:
            self.claims.pop((account, name), None)
        else:
            self.claims[account, name] = claimed
        self._follow(job, account, situation, decision)

    def _follow(self, job: Job, account: str, situation: Situation, decision: Decision) -> None:
        match decision:
            case Act():
                self._act(job, account, situation, decision)
            case GiveWay(until) | Rest(datetime() as until):
                assert until > self.now, decision
                self._at(until, job.name, account)
            case _:
                pass  # until somebody joins the queue, or the owner acts

    def _act(self, job: Job, account: str, situation: Situation, act: Act) -> None:
        budget, name = act.waiting.budget, job.name
        taken = self._first(job, act.waiting.action, account, act.size)
        for each in taken:
            job.queue[each.action].remove(each)
        job.in_flight += len(taken)
        spaced = policy.spacing(situation, act.waiting, len(taken), self.chance.random())
        self.accounts[account] = replace(self.accounts[account], next_at=spaced.next_at)
        self.paced[name, account, budget] = spaced.paced_at
        for ledger in (self.spent.setdefault(account, {}), self.own.setdefault((name, account), {})):
            ledger.setdefault(budget, Counter())[hour_of(self.now)] += len(taken)
        end = self.now + timedelta(seconds=self.chance.uniform(0.05, self.slowest_call))
        rivals = [
            each
            for each in situation.claims
            if each.priority < job.terms.priority and (not each.budgets or budget in each.budgets)
        ]
        ceiling = self.limits.ceilings(situation.account.created_at, None, self.now)[budget]
        self.journal.append(
            Done(account, name, budget, len(taken), self.now, end, job.terms, job.paused, ceiling, len(rivals))
        )
        self.busy[account] = name
        pause = spaced.next_at - self.now
        heappush(self._events, (end, SETTLE, next(self._numbers), (name, account, taken, pause)))

    def _settle(self, name: str, account: str, taken: Sequence[Somebody], pause: timedelta) -> None:
        job, standing = self.jobs[name], self.accounts[account]
        del self.busy[account]
        job.in_flight -= len(taken)
        for each in taken:
            outcome = self._outcome()
            if outcome.kind in FLOOD_SIGNS:
                self.floods.append(self.now)
            standing = after(outcome, standing, self.limits, self.now)
            self._goes_on(job, each, account, outcome)
        self.accounts[account] = replace(standing, next_at=max(self.now + pause, standing.next_at or self.now))
        self._at(self.now, name, account)
        self.wake(name)
        if not job.left:
            self._give_up(name)

    def _goes_on(self, job: Job, somebody: Somebody, account: str, outcome: Outcome) -> None:
        if outcome.kind in (*FLOOD_SIGNS, Kind.BLOCKED):
            tried = (*somebody.tried, account)
            if len(tried) < TRIES:
                job.queue[somebody.action].append(replace(somebody, tried=tried))
                return
        if outcome.kind is Kind.REFUSED and somebody.action is Action.INVITE:
            job.queue[Action.MESSAGE].append(Somebody(Action.MESSAGE))
            return
        job.done[outcome.kind] += 1

    def _outcome(self) -> Outcome:
        drawn = self.chance.uniform(0, 100)
        for kind, odds in self.odds.items():
            drawn -= odds
            if drawn < 0:
                rest = timedelta(seconds=self.chance.randrange(1, 3000)) if kind is Kind.RATE_LIMITED else None
                return Outcome(kind, Reason.FLOOD_WAIT if rest else Reason.NONE, rest)
        return Outcome(Kind.INVITED)

    def _give_up(self, name: str) -> None:
        for key in [key for key in self.claims if key[1] == name]:
            del self.claims[key]
        self.wake(*(each for each in self.jobs if each != name))

    # What must hold

    def left(self) -> dict[str, int]:
        return {job.name: job.left for job in self.jobs.values()}

    def by_account(self) -> Iterator[list[Done]]:
        for account in self.accounts:
            yield [each for each in self.journal if each.account == account]


def _usage(ledger: dict[Budget, Counter[datetime]]) -> Usage:
    """As the store reads it: the last hours only."""
    return {budget: [Spent(*each) for each in list(hours.items())[-REMEMBERED:]] for budget, hours in ledger.items()}
