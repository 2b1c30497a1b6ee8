"""Housekeeping decides: which command is delivered again, which turn is looked after, and by whom."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from temporalio.testing import ActivityEnvironment

from activities.housekeeping import LATE_AFTER, PAGE, STALE_AFTER, UNHEARD_AFTER, HousekeepingActivities, Tidied
from domain.account import AccountRef
from domain.campaign import Wanted
from domain.errors import NotFound, Unavailable
from domain.housekeeping import LateDelivery, LiveCampaign, StaleTurn, UnfinishedImport
from tests.activities.fakes import ADAPTER, OWNER, REF, START, FakeClock, FakeTurns, Journal

CAMPAIGN = UUID("00000000-0000-4000-8000-000000000001")


class FakeStore:
    """What housekeeping is told of all owners' work."""

    def __init__(self) -> None:
        self.campaigns: list[LiveCampaign] = []
        self.imports: list[UnfinishedImport] = []
        self.stale: list[StaleTurn] = []
        self.opened_before: datetime | None = None
        self.late: list[LateDelivery] = []
        self.due_before: datetime | None = None

    async def live_campaigns(self, after: str, at_most: int) -> list[LiveCampaign]:
        ordered = sorted(self.campaigns, key=lambda each: each.campaign_id)
        return [each for each in ordered if each.campaign_id > after][:at_most]

    async def unfinished_imports(self, after: str, at_most: int) -> list[UnfinishedImport]:
        return [each for each in self.imports if each.audience_id > after][:at_most]

    async def stale_turns(self, opened_before: datetime, at_most: int) -> list[StaleTurn]:
        self.opened_before = opened_before
        return self.stale[:at_most]

    async def late_deliveries(self, due_before: datetime, at_most: int) -> list[LateDelivery]:
        self.due_before = due_before
        return self.late[:at_most]


class FakeControl:
    """The workflows, as far as they run."""

    def __init__(self) -> None:
        self.campaigns: set[UUID] = set()
        self.runs: set[str] = set()
        self.delivered: list[tuple[UUID, Wanted, int]] = []
        self.lost: list[str] = []
        self.imports: list[UUID] = []
        self.told: list[tuple[str, str | None]] = []
        self.away = False

    async def deliver(self, owner: str, campaign_id: UUID, platform: str, wanted: Wanted, control_no: int) -> None:
        self.delivered.append((campaign_id, wanted, control_no))

    async def campaign_runs(self, campaign_id: UUID) -> bool:
        return campaign_id in self.campaigns

    async def account_runs(self, campaign_id: UUID, account_id: str) -> bool:
        if self.away:
            raise Unavailable("Temporal")
        return account_id in self.runs

    async def tell_owner(self, owner: str, campaign_id: str | None) -> None:
        self.told.append((owner, campaign_id))

    async def run_lost(self, campaign_id: UUID, account_id: str) -> None:
        if campaign_id not in self.campaigns:
            raise NotFound("workflow")
        self.lost.append(account_id)

    async def start_import(self, owner: str, audience_id: UUID) -> None:
        self.imports.append(audience_id)


class Bench:
    def __init__(self) -> None:
        self.store, self.control, self.turns, self.clock = FakeStore(), FakeControl(), FakeTurns(Journal()), FakeClock()
        self.activities = HousekeepingActivities(self.store, self.turns, self.control, self.clock)
        self.temporal = ActivityEnvironment()

    async def reconcile(self) -> Tidied:
        return await self.temporal.run(self.activities.reconcile)

    async def sweep(self) -> Tidied:
        return await self.temporal.run(self.activities.sweep)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def live(control_no: int = 3, heard: int = 3, campaign_id: UUID = CAMPAIGN) -> LiveCampaign:
    return LiveCampaign(OWNER, str(campaign_id), ADAPTER, Wanted.PAUSED, control_no, heard, wanted_at=START)


class TestReconcile:
    async def test_leaves_alone_what_is_heard_and_runs(self, bench: Bench) -> None:
        bench.store.campaigns = [live()]
        bench.control.campaigns = {CAMPAIGN}
        assert await bench.reconcile() == Tidied(1, 0)

    async def test_starts_a_workflow_that_is_missing(self, bench: Bench) -> None:
        bench.store.campaigns = [live()]
        assert await bench.reconcile() == Tidied(1, 1)
        assert bench.control.delivered == [(CAMPAIGN, Wanted.PAUSED, 3)]

    @pytest.mark.parametrize("late", [False, True])
    async def test_delivers_again_what_was_not_heard_for_a_while(self, bench: Bench, late: bool) -> None:
        bench.store.campaigns = [live(heard=2)]
        bench.control.campaigns = {CAMPAIGN}
        bench.clock.moment = START + UNHEARD_AFTER - timedelta(seconds=not late)
        assert await bench.reconcile() == Tidied(1, int(late))
        assert bench.control.delivered == [(CAMPAIGN, Wanted.PAUSED, 3)] * late

    async def test_goes_through_all_pages(self, bench: Bench) -> None:
        bench.store.campaigns = [live(campaign_id=UUID(int=number)) for number in range(1, 2 * PAGE + 1)]
        assert await bench.reconcile() == Tidied(2 * PAGE, 2 * PAGE)
        assert len({campaign_id for campaign_id, _, _ in bench.control.delivered}) == 2 * PAGE

    async def test_goes_on_with_all_imports(self, bench: Bench) -> None:
        ids = [UUID(int=number) for number in range(1, PAGE + 3)]
        bench.store.imports = [UnfinishedImport(OWNER, str(each)) for each in ids]
        await bench.reconcile()
        assert bench.control.imports == ids

    async def test_has_owners_told_whose_deliveries_are_late(self, bench: Bench) -> None:
        bench.store.late = [LateDelivery(OWNER, str(CAMPAIGN)), LateDelivery(OWNER, None)]
        assert await bench.reconcile() == Tidied(2, 2)
        assert bench.control.told == [(OWNER, str(CAMPAIGN)), (OWNER, None)]
        assert bench.store.due_before == START - LATE_AFTER


class TestSweep:
    @pytest.fixture(autouse=True)
    def stale(self, bench: Bench) -> None:
        bench.store.stale = [StaleTurn("turn-1", str(CAMPAIGN), REF)]

    async def test_leaves_a_turn_to_its_run(self, bench: Bench) -> None:
        bench.control.runs = {REF.account_id}
        assert await bench.sweep() == Tidied(1, 0)
        assert bench.turns.abandoned == []
        assert bench.store.opened_before == START - STALE_AFTER

    async def test_has_a_lost_run_started_again(self, bench: Bench) -> None:
        bench.control.campaigns = {CAMPAIGN}
        assert await bench.sweep() == Tidied(1, 1)
        assert bench.control.lost == [REF.account_id]
        assert bench.turns.abandoned == []

    async def test_closes_the_turn_of_a_campaign_that_has_ended(self, bench: Bench) -> None:
        assert await bench.sweep() == Tidied(1, 1)
        assert bench.turns.abandoned == [(REF, str(CAMPAIGN))]

    async def test_leaves_everything_when_temporal_does_not_answer(self, bench: Bench) -> None:
        """A run that cannot be seen may well be there, with the turn's call in flight."""
        bench.control.away = True
        bench.store.stale.append(StaleTurn("turn-2", str(CAMPAIGN), AccountRef(OWNER, ADAPTER, "account-2")))
        assert await bench.sweep() == Tidied(2, 0)
        assert bench.turns.abandoned == []
