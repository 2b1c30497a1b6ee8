"""Hooks in the database: each delivery once, over all processes, and campaigns that look at once."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from temporalio.testing import ActivityEnvironment

from activities.campaigns import CampaignActivities, CampaignKey
from domain.account import ExternalStatus, KnownAccount
from domain.audit import Act, By, Event
from domain.campaign import Command
from domain.errors import Unavailable
from domain.hooks import AccountChanged, Change
from domain.outcome import Reason
from domain.review import Review
from domain.why import Why
from storage.engine import Database
from storage.hooks import Hooks
from storage.planning import Planning
from tests.storage.world import HOUR, MINUTE, OWNER, PLATFORM, Now, World, known

WINDOW = 5 * MINUTE
SERVICE = By("integration-service", ("service",))
AWAY = known("a", ExternalStatus.INACTIVE)


class Listing:
    """integration-service. `meanwhile` happens while it answers."""

    def __init__(self, *accounts: KnownAccount) -> None:
        self.accounts_listed = list(accounts)
        self.away = False
        self.told_meanwhile: AccountChanged | None = None
        self.world: World | None = None

    async def accounts(self, owner: str, platform: str) -> Sequence[KnownAccount]:
        if self.away:
            raise Unavailable("integration-service")
        listed = list(self.accounts_listed)
        if self.told_meanwhile is not None and self.world is not None:
            await take(self.world, self.told_meanwhile)
        return listed

    async def report(self, owner: str, account_id: str, reason: Reason, at: object) -> None:
        raise NotImplementedError


class NoRuns:
    """No workflow runs."""

    async def tell_run(self, campaign_id: UUID, account_id: str, signal: str, priority: int = 0) -> bool:
        return False

    async def tell_owner(self, owner: str, campaign_id: str | None) -> None:
        pass


def told(account: str = "a", owner: str = OWNER, platform: str = PLATFORM) -> AccountChanged:
    return AccountChanged(uuid4(), owner, platform, account, Change.ENABLED)


async def take(world: World, told: AccountChanged, database: Database | None = None) -> list[str] | None:
    """As the API does; the campaigns that are to look."""
    act = Act(Event.ACCOUNT_TOLD_OF, SERVICE, world.now)
    found = await Hooks(database or world.api).take(told, world.now, WINDOW, act)
    return None if found is None else sorted(map(str, found))


async def review(world: World, campaign: str) -> Review:
    return await world.runs.review(OWNER, campaign, None, world.now)


async def gather(world: World, campaign: str, listing: Listing) -> None:
    """As the campaign's workflow has it done."""
    plans = Planning(world.worker, lambda: world.limits)
    activities = CampaignActivities(world.runs, plans, world.accounts, listing, NoRuns(), Now(world))
    await ActivityEnvironment().run(activities.gather_accounts, CampaignKey(OWNER, campaign))


class TestWhoLooks:
    async def test_campaigns_of_the_owner_that_may_use_the_account(self, world: World) -> None:
        every = await world.campaign(1)
        chosen = await world.campaign(1, chosen=["a", "c"])
        paused = await world.campaign(1)
        await world.command(paused, Command.PAUSE)
        others = await world.campaign(1, accounts=["b"], chosen=["b"])
        draft = await world.campaign(1, start=False)
        theirs = await world.campaign(1, owner="boris")
        ended = await world.campaign(1)
        await world.do("UPDATE campaign SET phase = 'done', ended_at = now() WHERE id = %s", ended)
        assert await take(world, told()) == sorted([every, chosen, paused])
        assert await take(world, told("b")) == sorted([every, paused, others])
        assert await take(world, told("new")) == sorted([every, paused])
        assert await take(world, told(platform="whatsapp")) == []
        assert await take(world, told(owner="nobody")) == []
        rows = await world.query("SELECT id::text FROM campaign WHERE accounts_told IS NOT NULL")
        assert {row["id"] for row in rows} == {every, chosen, paused, others}
        assert not {theirs, draft, ended} & {row["id"] for row in rows}

    async def test_it_is_kept_who_told_where_it_changed_something(self, world: World) -> None:
        await world.campaign(1)
        mine = told()
        await take(world, mine)
        await take(world, mine)
        await take(world, told(owner="nobody"))
        [row] = await world.query("SELECT * FROM audit WHERE event = 'account_told_of'")
        assert (row["owner"], row["actor"], row["roles"]) == (OWNER, "integration-service", ["service"])
        assert (row["kind"], row["subject"]) == ("account", "a")
        assert row["details"] == {"change": "account.enabled", "campaigns": 1}


class TestOnce:
    async def test_a_delivery_is_taken_once_by_all_processes_together(
        self, world: World, database_urls: Mapping[str, str]
    ) -> None:
        await world.campaign(1)
        other, mine = Database(database_urls["invite_api"], pool_size=4), told()
        processes = [world.api, other] * 3
        found = await asyncio.gather(*(take(world, mine, each) for each in processes))
        assert len([each for each in found if each is not None]) == 1
        assert await take(world, told(), other) is not None
        await other.close()

    async def test_not_by_another_owners_name_either(self, world: World) -> None:
        mine = told()
        assert await take(world, mine) == []
        assert await take(world, AccountChanged(mine.delivery, "boris", PLATFORM, "a", Change.ADDED)) is None

    async def test_it_is_remembered_as_long_as_its_signature_is_good(self, world: World) -> None:
        mine = told()
        await take(world, mine)
        world.now += 2 * WINDOW  # signed a window ahead
        assert await take(world, mine) is None
        world.now += WINDOW
        await take(world, told())
        assert [row["id"] for row in await world.query("SELECT id FROM hook_delivery")] != [mine.delivery]
        assert len(await world.query("SELECT FROM hook_delivery")) == 1, "the old one is forgotten"

    async def test_what_fails_was_not_taken(self, world: World) -> None:
        """integration-service sends it again, and is heard then."""
        campaign, mine = await world.campaign(1), told()
        await world.do("ALTER TABLE audit ADD CONSTRAINT full_disk CHECK (event <> 'account_told_of')")
        try:
            assert await asyncio.gather(take(world, mine), return_exceptions=True) != [None]
        finally:
            await world.do("ALTER TABLE audit DROP CONSTRAINT full_disk")
        assert await take(world, mine) == [campaign]


class TestLooking:
    async def test_a_campaign_without_accounts_goes_on_when_it_is_told(self, world: World) -> None:
        campaign = await world.campaign(3)
        await world.lists(AWAY)
        assert (await review(world, campaign)).snapshot.why == Why.ACCOUNTS_GONE
        found = await review(world, campaign)
        assert (found.accounts_due, found.snapshot.state, found.gone) == (False, "waiting", ["a"])
        await take(world, told())
        assert (await review(world, campaign)).accounts_due, "at once, and not in a minute"
        await gather(world, campaign, Listing(known("a")))
        found = await review(world, campaign)
        assert (found.accounts_due, found.snapshot.state) == (False, "running")

    async def test_an_account_that_is_new_joins(self, world: World) -> None:
        campaign = await world.campaign(3)
        await take(world, told("b"))
        await gather(world, campaign, Listing(known("a"), known("b")))
        found = await review(world, campaign)
        assert sorted(line.account_id for line in found.snapshot.accounts) == ["a", "b"]

    async def test_what_is_told_while_the_list_is_being_read_is_looked_at_after_it(self, world: World) -> None:
        campaign, listing = await world.campaign(3), Listing(AWAY)
        await take(world, told())
        listing.world, listing.told_meanwhile = world, told()
        await gather(world, campaign, listing)
        assert (await review(world, campaign)).accounts_due
        listing.told_meanwhile = None
        await gather(world, campaign, listing)
        assert not (await review(world, campaign)).accounts_due

    async def test_a_list_that_cannot_be_read_is_not_asked_for_again_and_again(self, world: World) -> None:
        campaign, listing = await world.campaign(3), Listing()
        listing.away = True
        await take(world, told())
        await gather(world, campaign, listing)
        assert not (await review(world, campaign)).accounts_due
        world.now += HOUR
        assert (await review(world, campaign)).accounts_due

    async def test_nothing_is_reset_by_it(self, world: World) -> None:
        """The wait for an account, after which a campaign ends, begins no anew: no hook can keep it alive."""
        campaign = await world.campaign(3)
        await world.lists(AWAY)
        since = (await review(world, campaign)).snapshot.since
        for _ in range(3):
            world.now += timedelta(minutes=20)
            await take(world, told())
            await gather(world, campaign, Listing(AWAY))
            found = await review(world, campaign)
            assert (found.snapshot.why, found.snapshot.since) == (Why.ACCOUNTS_GONE, since)
