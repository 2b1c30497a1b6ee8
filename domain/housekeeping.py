"""What housekeeping is told of other owners' work: ids and numbers, nothing else."""

from dataclasses import dataclass
from datetime import datetime

from domain.account import AccountRef
from domain.campaign import Wanted


@dataclass(frozen=True)
class LiveCampaign:
    """A campaign that was started and has not ended. `platform`, to find it by."""

    owner: str
    campaign_id: str
    platform: str
    wanted: Wanted
    control_no: int
    acknowledged_no: int
    wanted_at: datetime


@dataclass(frozen=True)
class UnfinishedImport:
    """An audience that is being imported."""

    owner: str
    audience_id: str


@dataclass(frozen=True)
class SpentCampaign:
    """A campaign that has ended, whose people were kept long enough."""

    owner: str
    campaign_id: str


@dataclass(frozen=True)
class SpentAudience:
    """An audience that was kept long enough."""

    owner: str
    audience_id: str


@dataclass(frozen=True)
class LateDelivery:
    """What an owner's server should have been told of this campaign; None: a ping."""

    owner: str
    campaign_id: str | None


@dataclass(frozen=True)
class StaleTurn:
    """A turn that stands open though nobody holds its account."""

    turn_id: str
    campaign_id: str
    ref: AccountRef
