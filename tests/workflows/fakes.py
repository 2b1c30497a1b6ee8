"""Fake activities: plain classes under the real names. They answer by script and remember what was asked."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from temporalio import activity

from activities.accounts import BlockReport, CloseRequest, ListRequest, Opened, OpenRequest
from activities.actions import Work, Worked
from activities.campaigns import CampaignKey, CommandRequest, Gathered, Message, ReviewRequest
from activities.heartbeat import heartbeating
from activities.housekeeping import Tidied
from activities.imports import Fetched, ImportRef
from activities.membership import Looked, Looker
from activities.retention import Removed
from activities.webhooks import Stream, Tried
from domain import told
from domain.campaign import Command, State, Wanted
from domain.errors import Unavailable
from domain.outcome import Reason
from domain.parsed import TakenIn
from domain.platform import Action
from domain.ports import AccountRights, Clock
from domain.review import Review
from domain.statistics import AccountLine, Snapshot, numbers
from domain.terms import NORMAL
from domain.told import LINES_AT_ONCE, Mark
from domain.why import Why
from workflows.control import CampaignControl

OWNER = "owner-1"
CAMPAIGN = "00000000-0000-4000-8000-000000000001"
ACCOUNT = "account-1"
PLATFORM = "telegram"
DESTINATION = "destination-1"
QUEUE = "invite"
WORKER_QUEUE = "invite/worker-1"

Answer = Callable[[datetime], Awaitable[Worked]]
"""What an action says, given the present moment."""


def says(worked: Worked) -> Answer:
    async def answer(now: datetime) -> Worked:
        return worked

    return answer


def acts(action: Action = Action.INVITE, turns: int = 1) -> Answer:
    """The time box is full: go on."""
    return says(Worked(turns, action=action))


def gap(pause: timedelta, action: Action = Action.INVITE, *, closed: bool = False) -> Answer:
    async def answer(now: datetime) -> Worked:
        return Worked(1, action=action, until=now + pause, why=Why.GAP, closed=closed)

    return answer


def rests(why: Why, pause: timedelta | None = None, *, closed: bool = False, turns: int = 0) -> Answer:
    async def answer(now: datetime) -> Worked:
        return Worked(turns, until=None if pause is None else now + pause, why=why, closed=closed)

    return answer


def idles(turns: int = 0) -> Answer:
    return rests(Why.QUEUE_EMPTY, turns=turns)


def halted() -> Answer:
    return says(Worked(0, halted=True))


def reopens() -> Answer:
    return says(Worked(0, reopen=True))


def blocked(reason: Reason = Reason.BANNED) -> Answer:
    return says(Worked(1, why=Why.ACCOUNT_BLOCKED, closed=True, blocked=reason))


def fails(error: Exception) -> Answer:
    async def answer(now: datetime) -> Worked:
        raise error

    return answer


@dataclass
class Held:
    """An action in flight: it answers when the test lets it, or, as the real one, when it is cancelled."""

    then: Answer
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, now: datetime) -> Worked:
        self.begun.set()
        async with heartbeating():
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                pass
        return await self.then(now)


@dataclass(frozen=True)
class Done:
    """One action that was asked for."""

    action: Action
    work: Work
    queue: str
    attempt: int
    priority: int | None


class FakeActions:
    """The actions of `activities.actions`. Each account's answers in order; after the last one its queue is empty."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.done: list[Done] = []
        self.answers: dict[str, list[Answer]] = {}

    def script(self, *answers: Answer, account_id: str = ACCOUNT) -> None:
        self.answers.setdefault(account_id, []).extend(answers)

    def of(self, account_id: str = ACCOUNT) -> list[Done]:
        return [each for each in self.done if each.work.account_id == account_id]

    def numbers(self, account_id: str = ACCOUNT) -> list[int]:
        return [each.work.number for each in self.of(account_id)]

    @activity.defn
    async def invite(self, work: Work) -> Worked:
        return await self._answer(Action.INVITE, work)

    @activity.defn
    async def send_message(self, work: Work) -> Worked:
        return await self._answer(Action.MESSAGE, work)

    @activity.defn
    async def add_contact(self, work: Work) -> Worked:
        return await self._answer(Action.ADD_CONTACT, work)

    async def _answer(self, action: Action, work: Work) -> Worked:
        info = activity.info()
        self.done.append(Done(action, work, info.task_queue, info.attempt, info.priority.priority_key))
        left = self.answers.get(work.account_id)
        answer = left.pop(0) if left else idles()
        return await answer(await self._clock.now())


class FakeAccounts:
    """The activities of `activities.accounts`. An account opens on the worker's queue unless a script says else."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.opens: list[tuple[str, OpenRequest]] = []
        self.closes: list[tuple[str, CloseRequest]] = []
        self.reports: list[BlockReport] = []
        self.listed: list[str] = []
        self.lists: list[ListRequest] = []
        self.answers: dict[str, list[Callable[[datetime], Opened]]] = {}
        self.not_admin: set[str] = set()

    def script(self, *answers: Callable[[datetime], Opened], account_id: str = ACCOUNT) -> None:
        self.answers.setdefault(account_id, []).extend(answers)

    def opened(self, account_id: str = ACCOUNT) -> list[str]:
        """On which queues it was opened for its run, or for a preflight."""
        return [queue for queue, request in self.opens if request.account_id == account_id]

    def closed(self) -> list[tuple[str, str]]:
        return [(queue, request.account_id) for queue, request in self.closes]

    @activity.defn
    async def list_accounts(self, request: ListRequest) -> list[str]:
        self.lists.append(request)
        return [each for each in self.listed if request.account_ids is None or each in request.account_ids]

    @activity.defn
    async def open_account(self, request: OpenRequest) -> Opened:
        self.opens.append((activity.info().task_queue, request))
        now = await self._clock.now()
        left = self.answers.get(request.account_id)
        if left:
            return left.pop(0)(now)
        may = request.account_id not in self.not_admin
        rights = AccountRights(request.account_id, may, "" if may else Reason.NO_RIGHT_TO_INVITE.value)
        return Opened(WORKER_QUEUE, fence=len(self.opens), rights=rights if request.destination else None)

    @activity.defn
    async def close_account(self, request: CloseRequest) -> None:
        self.closes.append((activity.info().task_queue, request))

    @activity.defn
    async def report_block(self, report: BlockReport) -> None:
        self.reports.append(report)


def not_opened(why: Why, pause: timedelta | None = None, reason: Reason = Reason.NONE) -> Callable[[datetime], Opened]:
    return lambda now: Opened(why=why, until=None if pause is None else now + pause, blocked=reason)


def held_on(queue: str, pause: timedelta) -> Callable[[datetime], Opened]:
    return lambda now: Opened(queue=queue, why=Why.ACCOUNT_ELSEWHERE, until=now + pause)


class FakeCampaigns:
    """The activities of `activities.campaigns`, over one campaign's facts that the test changes at will.

    `listed`: what integration-service would list. `joined`: who takes part. `gone`: who of them only the owner can
    bring back. `left`: recipients that are not settled; the campaign ends at 0. `page`: lines told in one review.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.wanted = Wanted.RUN
        self.control_no = 1
        self.listed: list[str] = [ACCOUNT]
        self.joined: list[str] = []
        self.gone: set[str] = set()
        self.wake: list[str] = []
        self.freed: list[str] = []
        self.due = True
        self.poll: timedelta | None = None
        self.total = self.left = 3
        self.ended: State | None = None
        self.waiting: tuple[Why, datetime | None] | None = None
        self.directory_away = False
        self.reviews: list[tuple[datetime, Why | None]] = []
        self.seen: list[int] = []
        self.gathers: list[datetime] = []
        self.commands: list[Command] = []
        self.failed = 0
        self.told: list[tuple[str, tuple[str, ...]]] = []
        self.action = Action.INVITE
        self.priority = NORMAL
        self.during_review: Callable[[], Awaitable[None]] | None = None
        self.page = LINES_AT_ONCE
        self._marks: dict[str, Mark] = {}

    def command(self, wanted: Wanted) -> int:
        """The owner's wish, written as the API does. Its number."""
        self.wanted = wanted
        self.control_no += 1
        return self.control_no

    @activity.defn
    async def review_campaign(self, request: ReviewRequest) -> Review:
        now = await self._clock.now()
        self.reviews.append((now, request.problem))
        self.seen.append(request.seen)
        if self.wanted is Wanted.CANCELLED:
            self.left = 0
            self.ended = State.CANCELLED
        elif self.wanted is Wanted.FINISHED:
            self.left = 0
            self.ended = State.DONE_WITH_ERRORS
        elif self.left == 0:
            self.ended = State.DONE
        review = self._review(now, request.seen)
        if self.during_review is not None:
            during, self.during_review = self.during_review, None
            await during()
        return review

    @activity.defn
    async def gather_accounts(self, key: CampaignKey) -> Gathered:
        self.gathers.append(await self._clock.now())
        self.due = False
        if self.directory_away:
            return Gathered(Why.INTEGRATION_AWAY)
        self.joined += [each for each in self.listed if each not in self.joined]
        return Gathered()

    @activity.defn
    async def tell_runs(self, message: Message) -> list[str]:
        self.told.append((message.signal, tuple(message.account_ids)))
        control = CampaignControl(activity.client(), QUEUE, timedelta(seconds=10))
        campaign = UUID(message.campaign_id)
        return [
            each
            for each in message.account_ids
            if not await control.tell_run(campaign, each, message.signal, message.priority)
        ]

    @activity.defn
    async def command_campaign(self, request: CommandRequest) -> None:
        self.commands.append(request.command)
        wishes = {Command.PAUSE: Wanted.PAUSED, Command.RESUME: Wanted.RUN, Command.CANCEL: Wanted.CANCELLED}
        self.command(wishes[request.command])

    @activity.defn
    async def fail_campaign(self, key: CampaignKey) -> None:
        self.failed += 1
        self.ended = State.FAILED

    def _review(self, now: datetime, seen: int) -> Review:
        running = self.wanted is Wanted.RUN and self.ended is None
        last = self.gathers[-1] if self.gathers else None
        polled = self.poll is not None and last is not None and last + self.poll <= now
        return Review(
            wanted=self.wanted,
            control_no=self.control_no,
            ended=self.ended is not None,
            accounts_due=running and (self.due or polled),
            platform=PLATFORM,
            adapter=PLATFORM,
            destination=DESTINATION if self.action is Action.INVITE else "",
            wake=self.wake,
            acts=running,
            look_at=self._look_at(running),
            busy=running and self.waiting is None,
            freed=self.freed,
            priority=self.priority,
            **self._told(self._snapshot(now), seen),
        )

    def _look_at(self, running: bool) -> datetime | None:
        """When the wait ends, or the accounts are read again."""
        last = self.gathers[-1] if self.gathers and running else None
        ends = [self.waiting[1]] if self.waiting is not None else []
        ends += [last + self.poll] if last is not None and self.poll is not None else []
        return min((end for end in ends if end is not None), default=None)

    def _told(self, whole: Snapshot, seen: int) -> dict[str, Any]:
        """What changed, as the real store tells it."""
        digests = {line.account_id: told.digest(line, gone=line.account_id in self.gone) for line in whole.accounts}
        self._marks |= told.remark(digests, self._marks, seen)
        page = told.page(self._marks, seen, self.page)
        lines = [line for line in whole.accounts if line.account_id in page.account_ids]
        gone = [each for each in page.account_ids if each in self.gone]
        return {"snapshot": replace(whole, accounts=lines), "gone": gone, "seen": page.seen, "more": page.more}

    def _snapshot(self, now: datetime) -> Snapshot:
        state, why, until = State.RUNNING, Why.WORKING, None
        if self.ended is not None:
            state, why = self.ended, Why.ENDED
        elif self.wanted is Wanted.PAUSED:
            state, why = State.PAUSED, Why.PAUSED
        elif self.waiting is not None:
            state, (why, until) = State.WAITING, self.waiting
        counted = replace(numbers(self.total, ()), processed=self.total - self.left, left=self.left)
        lines = [AccountLine(each, "active", why.value, None, until) for each in self.joined]
        return Snapshot(
            CAMPAIGN, state.value, why.value, None, until, now, counted, lines, per_minute=0.0, expected_end=None
        )


class FakeHousekeeping:
    """The activities of `activities.housekeeping`."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.asked: list[str] = []

    @activity.defn
    async def reconcile(self) -> Tidied:
        self.asked.append("reconcile")
        if self.failures:
            self.failures -= 1
            raise RuntimeError("Temporal did not answer")
        return Tidied(seen=5, righted=1)

    @activity.defn
    async def sweep(self) -> Tidied:
        self.asked.append("sweep")
        return Tidied(seen=2, righted=2)


class FakeMembership:
    """The activities of `activities.membership`. `due`: who is to look; `answers`: what their looks found."""

    def __init__(self) -> None:
        self.due: list[str] = []
        self.answers: dict[str, Looked | Exception] = {}
        self.looked: list[tuple[str, Looker]] = []

    @activity.defn
    async def due_lookers(self) -> list[Looker]:
        return [Looker(OWNER, PLATFORM, each) for each in self.due]

    @activity.defn
    async def look_for_members(self, looker: Looker) -> Looked:
        self.looked.append((activity.info().task_queue, looker))
        answer = self.answers.get(looker.account_id, Looked(3, (CAMPAIGN,)))
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeImports:
    """The activities of `activities.imports`: so many `pages` of ten rows, and failures before the next answer."""

    def __init__(self) -> None:
        self.pages = 3
        self.failures = 0
        self.over = False
        self.fetched = 0
        self.finished = 0

    @activity.defn
    async def fetch_page(self, ref: ImportRef) -> Fetched:
        if self.failures:
            self.failures -= 1
            raise Unavailable("parsing-service")
        if self.over:
            return Fetched(over=True)
        self.fetched += 1
        return Fetched(10 * self.fetched, more=self.fetched < self.pages)

    @activity.defn
    async def finish_import(self, ref: ImportRef) -> TakenIn:
        self.finished += 1
        return TakenIn(stored=10 * self.fetched - 1, dropped=1)


class FakeRetention:
    """The activity of `activities.retention`."""

    @activity.defn
    async def remove_old(self) -> Removed:
        return Removed(campaigns=2, audiences=1, owners=1)


class FakeWebhooks:
    """The activity of `activities.webhooks`. `answers`: what each try answers, and then that all is told."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.answers: list[timedelta | None] = []
        self.tries: list[tuple[Stream, datetime]] = []

    @activity.defn
    async def deliver_next(self, stream: Stream) -> Tried:
        self.tries.append((stream, await self._clock.now()))
        return Tried(self.answers.pop(0) if self.answers else None)


def shared_activities(
    accounts: FakeAccounts,
    campaigns: FakeCampaigns,
    housekeeping: FakeHousekeeping,
    imports: FakeImports,
    membership: FakeMembership,
    webhooks: FakeWebhooks,
) -> Sequence[Callable[..., object]]:
    """Those of the queue that every worker serves."""
    return [
        accounts.list_accounts,
        accounts.open_account,
        accounts.report_block,
        campaigns.review_campaign,
        campaigns.gather_accounts,
        campaigns.tell_runs,
        campaigns.command_campaign,
        campaigns.fail_campaign,
        imports.fetch_page,
        imports.finish_import,
        housekeeping.reconcile,
        housekeeping.sweep,
        membership.due_lookers,
        FakeRetention().remove_old,
        webhooks.deliver_next,
    ]


def own_activities(
    actions: FakeActions, accounts: FakeAccounts, membership: FakeMembership
) -> Sequence[Callable[..., object]]:
    """Those of the queue of one worker."""
    return [
        actions.invite,
        actions.send_message,
        actions.add_contact,
        accounts.open_account,
        accounts.close_account,
        membership.look_for_members,
    ]
