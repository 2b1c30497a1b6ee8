"""Activities on campaigns: reviewed, given their accounts, commanded."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog
from temporalio import activity

from activities.heartbeat import heartbeating
from domain.account import KnownAccount
from domain.campaign import Command
from domain.crews import Request
from domain.errors import Forbidden, Unavailable
from domain.plan import expected_end
from domain.ports import AccountDirectory, Clock
from domain.review import Chosen, Review
from domain.why import Why

SIGNALS_IN_FLIGHT = 20

_errors = structlog.get_logger("error")
_log = structlog.get_logger("execution")


class CampaignStore(Protocol):
    """What these activities ask of storage."""

    async def review(self, owner: str, campaign_id: str, problem: Why | None, now: datetime, seen: int = 0) -> Review:
        """Look at the campaign and move its phase on."""

    async def chosen(self, owner: str, campaign_id: str) -> Chosen:
        """Which accounts the campaign may use."""

    async def join(self, chosen: Chosen, account_ids: Sequence[str], now: datetime) -> None:
        """Let accounts take part."""

    async def tried_to_join(self, chosen: Chosen, now: datetime) -> None:
        """The list could not be read."""

    async def command(self, owner: str, campaign_id: str, command: Command, now: datetime) -> None:
        """Write a wish."""

    async def fail(self, owner: str, campaign_id: str, now: datetime) -> bool:
        """End the campaign by an error of our own. Whether the owner's server is to be told."""


class PlanningStore(Protocol):
    """What these activities ask of the store of plans."""

    async def due(self, owner: str, campaign_id: str, now: datetime) -> Request | None:
        """What is to be planned anew, if anything."""

    async def keep(self, owner: str, campaign_id: str, end: datetime | None, now: datetime) -> None:
        """Write when the campaign ends by its plan."""


class KnowingStore(Protocol):
    """What these activities ask of the store of accounts."""

    async def know(self, owner: str, adapter: str, known: Sequence[KnownAccount], now: datetime) -> None:
        """Take over what integration-service says."""


class Runs(Protocol):
    """The workflows of accounts, as these activities reach them."""

    async def tell_run(self, campaign_id: UUID, account_id: str, signal: str, priority: int = 0) -> bool:
        """Signal the account's run; False: it is not there. Raises `Unavailable`."""

    async def tell_owner(self, owner: str, campaign_id: str | None) -> None:
        """Have the owner's server told of what has happened. Raises `Unavailable`."""


@dataclass(frozen=True)
class CampaignKey:
    """Names a campaign."""

    owner: str
    campaign_id: str


@dataclass(frozen=True)
class ReviewRequest:
    """Review a campaign. `problem`: why its accounts could not be read last time. `seen`: the last change of an
    account's line that is known."""

    owner: str
    campaign_id: str
    problem: Why | None = None
    seen: int = 0


@dataclass(frozen=True)
class CommandRequest:
    """A command that came as a bare signal."""

    owner: str
    campaign_id: str
    command: Command


@dataclass(frozen=True)
class Gathered:
    """The accounts were read, or `problem` says why not."""

    problem: Why | None = None


@dataclass(frozen=True)
class Message:
    """A signal to the runs of some accounts. `priority`: the campaign's, which is told with a wake; 0: none is."""

    campaign_id: str
    signal: str
    account_ids: Sequence[str]
    priority: int = 0


class CampaignActivities:
    """Activities on campaigns."""

    def __init__(
        self,
        campaigns: CampaignStore,
        plans: PlanningStore,
        accounts: KnowingStore,
        directory: AccountDirectory,
        runs: Runs,
        clock: Clock,
    ) -> None:
        self._campaigns = campaigns
        self._plans = plans
        self._accounts = accounts
        self._directory = directory
        self._runs = runs
        self._clock = clock

    @activity.defn
    async def review_campaign(self, request: ReviewRequest) -> Review:
        """Look at the campaign, move its phase on, and end it when everybody is settled."""
        async with heartbeating():
            now = await self._clock.now()
            await self._forecast(request, now)
            review = await self._campaigns.review(
                request.owner, request.campaign_id, request.problem, now, request.seen
            )
            if review.alarm is not None:
                _errors.error("campaign waits for somebody", campaign_id=request.campaign_id, why=review.alarm.value)
            if review.news:
                await self._tell_owner(request.owner, request.campaign_id)
            return review

    async def _forecast(self, request: ReviewRequest, now: datetime) -> None:
        """Before the review, which tells it."""
        asked = await self._plans.due(request.owner, request.campaign_id, now)
        if asked is None:
            return
        try:  # up to a second of computing: other activities must not wait for it
            end = await asyncio.to_thread(expected_end, asked)
        except Exception:  # a forecast that is wrong stops no campaign
            _errors.exception("campaign not planned", campaign_id=request.campaign_id)
        else:
            await self._plans.keep(request.owner, request.campaign_id, end, now)

    @activity.defn
    async def gather_accounts(self, key: CampaignKey) -> Gathered:
        """Read the owner's accounts and let the chosen ones take part (ACC-1, ACC-7)."""
        async with heartbeating():
            chosen = await self._campaigns.chosen(key.owner, key.campaign_id)
            try:
                known = await self._directory.accounts(key.owner, chosen.platform)
            except Unavailable:
                await self._campaigns.tried_to_join(chosen, await self._clock.now())
                return Gathered(Why.INTEGRATION_AWAY)
            now = await self._clock.now()
            await self._accounts.know(key.owner, chosen.adapter, known, now)
            ids = [each.account_id for each in known if chosen.includes(each.account_id)]
            await self._campaigns.join(chosen, ids, now)
            return Gathered()

    @activity.defn
    async def tell_runs(self, message: Message) -> list[str]:
        """Signal each of the runs; those that are not there. Repeated, they are all told again, which does no harm.

        The campaign does not signal them itself: the end of every signal would be a workflow task of its own.
        """
        room = asyncio.Semaphore(SIGNALS_IN_FLIGHT)

        async def tell(account_id: str) -> bool:
            async with room:
                return await self._runs.tell_run(
                    UUID(message.campaign_id), account_id, message.signal, message.priority
                )

        async with heartbeating():
            there = await asyncio.gather(*(tell(each) for each in message.account_ids))
        return [each for each, told in zip(message.account_ids, there, strict=True) if not told]

    @activity.defn
    async def command_campaign(self, request: CommandRequest) -> None:
        """Write the wish of an operator who signalled the workflow; one that makes no sense is dropped."""
        async with heartbeating():
            try:
                now = await self._clock.now()
                await self._campaigns.command(request.owner, request.campaign_id, request.command, now)
            except Forbidden as refused:
                activity.logger.warning("command refused: %s", refused)

    @activity.defn
    async def fail_campaign(self, key: CampaignKey) -> None:
        """End the campaign as failed, so that its owner sees it."""
        async with heartbeating():
            if await self._campaigns.fail(key.owner, key.campaign_id, await self._clock.now()):
                await self._tell_owner(key.owner, key.campaign_id)

    async def _tell_owner(self, owner: str, campaign_id: str) -> None:
        """The event stands in the database: if Temporal is away, the reconciler has it told later."""
        try:
            await self._runs.tell_owner(owner, campaign_id)
        except Unavailable as error:
            _log.warning("owner not told yet", campaign_id=campaign_id, what=error.what)
