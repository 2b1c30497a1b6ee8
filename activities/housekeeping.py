"""Housekeeping: what a crash between the database and Temporal has left behind is put right (DESIGN §4, §6)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog
from temporalio import activity

from activities.heartbeat import heartbeating
from domain.account import AccountRef
from domain.campaign import Wanted
from domain.errors import NotFound, Unavailable
from domain.housekeeping import LateDelivery, LiveCampaign, StaleTurn, UnfinishedImport
from domain.ports import Clock

_log = structlog.get_logger("execution")

PAGE = 500
FIRST = "00000000-0000-0000-0000-000000000000"
UNHEARD_AFTER = timedelta(seconds=10)
"""A command that the workflow has not acknowledged by then is delivered again."""
STALE_AFTER = timedelta(minutes=1)
"""A turn that is older than that, with nobody holding its account, is looked after."""

LATE_AFTER = timedelta(seconds=30)
"""A delivery that nobody has tried by then has lost its workflow, or the signal that should have woken it."""


class HousekeepingStore(Protocol):
    """What housekeeping asks of storage."""

    async def live_campaigns(self, after: str, at_most: int) -> list[LiveCampaign]:
        """Started campaigns that have not ended."""

    async def unfinished_imports(self, after: str, at_most: int) -> list[UnfinishedImport]:
        """Audiences that are being imported."""

    async def stale_turns(self, opened_before: datetime, at_most: int) -> list[StaleTurn]:
        """Open turns of accounts that nobody holds."""

    async def late_deliveries(self, due_before: datetime, at_most: int) -> list[LateDelivery]:
        """Campaigns whose owner should have been told of something."""


class AbandonStore(Protocol):
    """What housekeeping asks of the store of turns."""

    async def abandon(self, ref: AccountRef, campaign_id: str, now: datetime) -> None:
        """Close a turn that nobody will carry on with."""


class Control(Protocol):
    """What housekeeping says to the workflows."""

    async def deliver(self, owner: str, campaign_id: UUID, platform: str, wanted: Wanted, control_no: int) -> None:
        """Start the campaign's workflow if it is missing, and tell it of the wish."""

    async def start_import(self, owner: str, audience_id: UUID) -> None:
        """Go on with an import whose workflow is missing; one that runs is left alone."""

    async def campaign_runs(self, campaign_id: UUID) -> bool:
        """Whether the campaign's workflow runs."""

    async def account_runs(self, campaign_id: UUID, account_id: str) -> bool:
        """Whether the account's run in the campaign runs."""

    async def tell_owner(self, owner: str, campaign_id: str | None) -> None:
        """Have the owner's server told."""

    async def run_lost(self, campaign_id: UUID, account_id: str) -> None:
        """Have the campaign start the account's run again. Raises `NotFound` when the campaign has ended."""


@dataclass(frozen=True)
class Tidied:
    """How many were looked at, and how many were put right."""

    seen: int
    righted: int


class HousekeepingActivities:
    """Housekeeping."""

    def __init__(self, store: HousekeepingStore, turns: AbandonStore, control: Control, clock: Clock) -> None:
        self._store = store
        self._turns = turns
        self._control = control
        self._clock = clock

    @activity.defn
    async def reconcile(self) -> Tidied:
        """Deliver commands that were not heard, and start workflows that are missing, those of imports too."""
        seen = righted = 0
        after = FIRST
        async with heartbeating():
            await self._reconcile_imports()
            while True:
                page = await self._store.live_campaigns(after, PAGE)
                for campaign in page:
                    seen += 1
                    righted += await self._reconcile(campaign)
                if len(page) < PAGE:
                    break
                after = page[-1].campaign_id
            late = await self._tell_owners()
        return Tidied(seen + late, righted + late)

    @activity.defn
    async def sweep(self) -> Tidied:
        """Look after turns that stand open while nobody holds their account."""
        now = await self._clock.now()
        async with heartbeating():
            stale = await self._store.stale_turns(now - STALE_AFTER, PAGE)
            return Tidied(len(stale), sum([await self._sweep(turn, now) for turn in stale]))

    async def _reconcile_imports(self) -> None:
        after = FIRST
        while page := await self._store.unfinished_imports(after, PAGE):
            for each in page:
                await self._control.start_import(each.owner, UUID(each.audience_id))
            after = page[-1].audience_id

    async def _reconcile(self, campaign: LiveCampaign) -> bool:
        campaign_id = UUID(campaign.campaign_id)
        unheard = campaign.acknowledged_no < campaign.control_no
        if unheard and await self._clock.now() - campaign.wanted_at < UNHEARD_AFTER:
            return False
        if not unheard and await self._control.campaign_runs(campaign_id):
            return False
        _log.warning("command or workflow was lost; delivered again", campaign_id=campaign.campaign_id)
        await self._control.deliver(
            campaign.owner, campaign_id, campaign.platform, campaign.wanted, campaign.control_no
        )
        return True

    async def _tell_owners(self) -> int:
        late = await self._store.late_deliveries(await self._clock.now() - LATE_AFTER, PAGE)
        for each in late:
            await self._control.tell_owner(each.owner, each.campaign_id)
        return len(late)

    async def _sweep(self, turn: StaleTurn, now: datetime) -> bool:
        """The account's run settles its turn itself when it is there; else the campaign starts it again."""
        campaign_id = UUID(turn.campaign_id)
        try:
            if await self._control.account_runs(campaign_id, turn.ref.account_id):
                return False
            await self._control.run_lost(campaign_id, turn.ref.account_id)
        except NotFound:
            await self._turns.abandon(turn.ref, turn.campaign_id, now)
        except Unavailable:
            return False
        _log.warning("turn was left open", campaign_id=turn.campaign_id, account_id=turn.ref.account_id)
        return True
