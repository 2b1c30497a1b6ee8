"""Retention: what was kept long enough goes (IMP-6)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from temporalio import activity

from activities.heartbeat import heartbeating
from domain.housekeeping import SpentAudience, SpentCampaign
from domain.ports import Clock

AT_ONCE = 100
"""Campaigns, audiences and owners that one round takes; the next one goes on with the others."""

_log = structlog.get_logger("execution")


class RetentionStore(Protocol):
    """What retention asks of storage."""

    async def spent_campaigns(self, ended_before: datetime, at_most: int) -> list[SpentCampaign]:
        """Campaigns that ended before then and still have their people."""

    async def spent_audiences(self, made_before: datetime, at_most: int) -> list[SpentAudience]:
        """Audiences made before then that no campaign needs any more."""

    async def owners_of_old_numbers(self, before: datetime, at_most: int) -> list[str]:
        """Owners with numbers from before then."""

    async def remove_people(self, campaign: SpentCampaign, now: datetime) -> None:
        """Everything that names the campaign's people."""

    async def remove_audience(self, audience: SpentAudience) -> None:
        """The audience as a whole."""

    async def remove_old_numbers(self, owner: str, before: datetime) -> None:
        """What no limit looks at any more."""

    async def owners_of_old_audit(self, before: datetime, at_most: int) -> list[str]:
        """Owners with rows of the audit trail from before then."""

    async def remove_old_audit(self, owner: str, before: datetime) -> None:
        """Rows of the audit trail that were kept long enough."""


@dataclass(frozen=True)
class Removed:
    """How many campaigns lost their people, how many audiences went, and of how many owners old numbers."""

    campaigns: int
    audiences: int
    owners: int


class RetentionActivities:
    """Retention. `keep`: how long, after a campaign's end. `keep_audit`: how long it is known who did what."""

    def __init__(self, store: RetentionStore, clock: Clock, keep: timedelta, keep_audit: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._keep = keep
        self._keep_audit = keep_audit

    @activity.defn
    async def remove_old(self) -> Removed:
        """One round: what it does not manage the next one does."""
        now = await self._clock.now()
        before = now - self._keep
        async with heartbeating():
            campaigns = await self._store.spent_campaigns(before, AT_ONCE)
            for campaign in campaigns:
                await self._store.remove_people(campaign, now)
                _log.info("people_removed", campaign_id=campaign.campaign_id)
            audiences = await self._store.spent_audiences(before, AT_ONCE)
            for audience in audiences:
                await self._store.remove_audience(audience)
                _log.info("audience_removed", audience_id=audience.audience_id)
            owners = await self._store.owners_of_old_numbers(before, AT_ONCE)
            for owner in owners:
                await self._store.remove_old_numbers(owner, before)
            for owner in await self._store.owners_of_old_audit(now - self._keep_audit, AT_ONCE):
                await self._store.remove_old_audit(owner, now - self._keep_audit)
        return Removed(len(campaigns), len(audiences), len(owners))
