"""The `Control` port without Temporal: it keeps what it was told, and answers what a test gives it."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from domain.campaign import Wanted
from domain.errors import NotFound, Unavailable
from domain.ports import AccountRights
from domain.statistics import Snapshot


@dataclass
class RecordingControl:
    """`away`: nothing answers. `mute`: nothing even ends. `rights`: what every admin check finds; None: none ends."""

    away: bool = False
    mute: bool = False
    delivered: list[tuple[str, UUID, str, Wanted, int]] = field(default_factory=list)
    edits: list[tuple[UUID, int, int]] = field(default_factory=list)
    told: list[UUID] = field(default_factory=list)
    owners_told: list[tuple[str, str | None]] = field(default_factory=list)
    snapshots: dict[UUID, Snapshot] = field(default_factory=dict)
    rights: list[AccountRights] | None = field(default_factory=list)
    checks: dict[tuple[str, UUID], tuple[str, str, list[str] | None]] = field(default_factory=dict)
    imports: list[tuple[str, UUID]] = field(default_factory=list)
    waits: list[timedelta] = field(default_factory=list)

    async def deliver(self, owner: str, campaign_id: UUID, platform: str, wanted: Wanted, control_no: int) -> None:
        await self._answer()
        self.delivered.append((owner, campaign_id, platform, wanted, control_no))

    async def edited(self, campaign_id: UUID, revision: int, control_no: int) -> None:
        await self._answer()
        self.edits.append((campaign_id, revision, control_no))

    async def accounts_changed(self, campaign_id: UUID) -> None:
        await self._answer()
        self.told.append(campaign_id)

    async def tell_owner(self, owner: str, campaign_id: str | None) -> None:
        await self._answer()
        self.owners_told.append((owner, campaign_id))

    async def snapshot(self, campaign_id: UUID) -> Snapshot:
        await self._answer()
        if campaign_id not in self.snapshots:
            raise NotFound("workflow")
        return self.snapshots[campaign_id]

    async def start_import(self, owner: str, audience_id: UUID) -> None:
        await self._answer()
        self.imports.append((owner, audience_id))

    async def start_admin_check(
        self, owner: str, check_id: UUID, platform: str, destination: str, account_ids: list[str] | None
    ) -> None:
        await self._answer()
        self.checks[owner, check_id] = (platform, destination, account_ids)

    async def admin_check(self, owner: str, check_id: UUID, wait: timedelta) -> list[AccountRights] | None:
        await self._answer()
        self.waits.append(wait)
        if (owner, check_id) not in self.checks:
            raise NotFound("admin check")
        return self.rights

    async def _answer(self) -> None:
        if self.mute:
            await asyncio.Event().wait()
        if self.away:
            raise Unavailable("Temporal")
