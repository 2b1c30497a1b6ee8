"""Opening an account: whatever keeps it from being opened is an answer, and its rights are written down once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.testing import ActivityEnvironment

from activities.accounts import (
    LEASE_OVER,
    RETRY_AFTER,
    RETRY_FULL,
    AccountActivities,
    BlockReport,
    CloseRequest,
    ListRequest,
    Opened,
    OpenRequest,
)
from activities.open_accounts import OpenAccounts
from domain.account import AccountRef, AccountState, ExternalStatus, LeaseTimes
from domain.errors import DatabaseAway, Unavailable
from domain.outcome import Kind, Outcome, Reason
from domain.platform import DRY_RUN
from domain.ports import AccountRights, DestinationCheck, Right
from domain.standing import Rest, Standing
from domain.why import Why
from tests.activities.fakes import (
    ADAPTER,
    ELSEWHERE_QUEUE,
    HERE,
    HERE_QUEUE,
    OTHER,
    OWNER,
    REF,
    START,
    FakeAccountStore,
    FakeAdapter,
    FakeBook,
    FakeClock,
    FakeCredentials,
    FakeDirectory,
    FakeLeases,
    FakeSession,
    FakeTurns,
    Journal,
    known,
)

CAMPAIGN, TOWN = "campaign-1", "town"
FOR_CAMPAIGN = OpenRequest(OWNER, ADAPTER, REF.account_id, ADAPTER, CAMPAIGN)
FOR_A_LOOK = OpenRequest(OWNER, ADAPTER, REF.account_id, ADAPTER, destination=TOWN)
NEEDS_JOIN = DestinationCheck(Right.NONE, Reason.DESTINATION_PRIVATE, warnings=(Reason.JOIN_NEEDED,))
NO_RIGHT = DestinationCheck(Right.NONE, Reason.NO_RIGHT_TO_INVITE, "Town")


class Bench:
    """The activities with everything around them."""

    def __init__(self, most: int = 1000) -> None:
        self.journal = Journal()
        self.leases = FakeLeases(self.journal)
        self.adapter = FakeAdapter(self.journal)
        self.dry_run = FakeAdapter(self.journal)
        adapters = {ADAPTER: self.adapter, DRY_RUN: self.dry_run}
        self.open = OpenAccounts(
            adapters, self.leases, HERE, HERE_QUEUE, LeaseTimes(), timedelta(minutes=5), FakeBook, most
        )
        self.store = FakeAccountStore()
        self.turns = FakeTurns(self.journal)
        self.directory = FakeDirectory()
        self.vault = FakeCredentials()
        self.activities = AccountActivities(
            self.open, self.store, self.store, self.turns, self.directory, self.vault, FakeClock()
        )
        self.temporal = ActivityEnvironment()

    async def opened(self, request: OpenRequest = FOR_CAMPAIGN) -> Opened:
        return await self.temporal.run(self.activities.open_account, request)

    def prepare(self, **values: object) -> None:
        """How the next session answers."""

        def change(session: FakeSession) -> None:
            for name, value in values.items():
                setattr(session, name, value)

        self.adapter.prepare = change


@pytest.fixture
def bench() -> Bench:
    return Bench()


class TestOpens:
    async def test_with_the_secret_from_vault_under_a_lease(self, bench: Bench) -> None:
        assert await bench.opened() == Opened(HERE_QUEUE, fence=1)
        assert bench.adapter.credentials == [{"session": "secret"}]
        assert bench.store.said == []

    async def test_the_secret_is_asked_for_in_the_version_of_the_list(self, bench: Bench) -> None:
        bench.directory.listed = [known(REF.account_id, version=7)]
        assert (await bench.opened()).fence == 1
        assert bench.vault.read_versions == [7]

    async def test_with_credentials_from_the_list_and_not_without_them(self, bench: Bench) -> None:
        account, *_ = bench.directory.listed
        bench.directory.listed = [replace(account, vault_path="", inline_credentials={})]
        opened = await bench.opened()
        assert (opened.fence, opened.why) == (0, Why.CREDENTIALS_AWAY), "a list that was remembered has none"
        bench.directory.listed = [replace(account, vault_path="", inline_credentials={"session": "inline"})]
        assert (await bench.opened()).fence
        assert bench.adapter.credentials == [{"session": "inline"}]

    async def test_the_secret_is_forgotten_with_the_lease_and_not_before(self, bench: Bench) -> None:
        await bench.opened()
        await bench.opened(replace(FOR_CAMPAIGN, campaign_id="campaign-2"))
        bench.adapter.latest.connected = False
        await bench.opened()
        await bench.temporal.run(bench.activities.close_account, CloseRequest(OWNER, ADAPTER, REF.account_id, CAMPAIGN))
        assert bench.vault.forgotten == [], "another campaign uses it"
        await bench.open.close_all()
        assert bench.vault.forgotten == [(OWNER, "accounts/account-1")]

    async def test_the_secret_of_who_is_refused_is_forgotten_too(self, bench: Bench) -> None:
        bench.adapter.refusal = Outcome(Kind.BLOCKED, Reason.BANNED)
        assert (await bench.opened()).fence == 0
        assert bench.vault.forgotten == [(OWNER, "accounts/account-1")]

    async def test_what_is_open_is_not_signed_in_again(self, bench: Bench) -> None:
        await bench.opened()
        assert await bench.opened() == Opened(HERE_QUEUE, fence=1)
        assert len(bench.adapter.sessions) == bench.directory.asked == len(bench.vault.read_paths) == 1

    async def test_two_at_once_connect_once(self, bench: Bench) -> None:
        opened = await asyncio.gather(*(bench.activities._opened(REF, FOR_CAMPAIGN) for _ in range(3)))
        assert {each.fence for each in opened} == {1}
        assert len(bench.adapter.sessions) == 1

    async def test_a_dry_run_asks_for_no_credentials(self, bench: Bench) -> None:
        request = OpenRequest(OWNER, DRY_RUN, REF.account_id, ADAPTER, CAMPAIGN)
        assert (await bench.opened(request)).fence == 1
        assert bench.vault.read_paths == []
        assert bench.dry_run.credentials == [{}]
        assert bench.adapter.sessions == []


class TestIsKeptFromIt:
    async def test_by_a_process_that_is_full(self) -> None:
        bench = Bench(most=1)
        await bench.open.lease(OTHER, CAMPAIGN)
        assert await bench.opened() == Opened(why=Why.WORKER_FULL, until=START + RETRY_FULL)
        assert bench.store.said == [Rest(START + RETRY_FULL, Why.WORKER_FULL)]
        assert bench.leases.held.keys() == {OTHER}
        assert bench.directory.asked == 0

    async def test_by_integration_service_that_is_away(self, bench: Bench) -> None:
        bench.directory.away = True
        assert await bench.opened() == Opened(why=Why.INTEGRATION_AWAY, until=START + RETRY_AFTER)
        assert bench.store.said == [Rest(START + RETRY_AFTER, Why.INTEGRATION_AWAY)]

    async def test_by_vault_that_is_away(self, bench: Bench) -> None:
        bench.vault.away = True
        assert await bench.opened() == Opened(why=Why.CREDENTIALS_AWAY, until=START + RETRY_AFTER)
        assert bench.store.refusals == []

    async def test_by_being_switched_off(self, bench: Bench) -> None:
        bench.directory.listed = [known(REF.account_id, ExternalStatus.INACTIVE)]
        opened = await bench.opened()
        assert (opened.why, opened.until) == (Why.ACCOUNT_INACTIVE, None)
        assert bench.adapter.sessions == []

    async def test_by_having_left_the_list(self, bench: Bench) -> None:
        bench.directory.listed = []
        opened = await bench.opened()
        assert (opened.why, opened.until) == (Why.ACCOUNT_INACTIVE, None)

    async def test_by_a_secret_that_is_not_there(self, bench: Bench) -> None:
        bench.vault.secrets = {}
        bench.store.after_refusal = Standing(AccountState.BLOCKED, Reason.BAD_CREDENTIALS, reported=False)
        assert await bench.opened() == Opened(why=Why.ACCOUNT_BLOCKED, blocked=Reason.BAD_CREDENTIALS)
        assert bench.store.refusals == [Outcome(Kind.BLOCKED, Reason.BAD_CREDENTIALS)]
        assert bench.turns.abandoned == [(REF, CAMPAIGN)]

    async def test_by_the_platforms_refusal(self, bench: Bench) -> None:
        until = START + timedelta(hours=3)
        bench.adapter.refusal = Outcome(Kind.RATE_LIMITED, Reason.FLOOD_WAIT, timedelta(hours=3))
        bench.store.after_refusal = Standing(AccountState.COOLDOWN, Reason.FLOOD_WAIT, until)
        assert await bench.opened() == Opened(why=Why.COOLDOWN, until=until)
        assert bench.leases.held == {}
        assert bench.turns.abandoned == []

    async def test_by_a_platform_that_does_not_answer(self, bench: Bench) -> None:
        bench.adapter.refusal = Unavailable("Telegram")
        assert await bench.opened() == Opened(why=Why.PLATFORM_AWAY, until=START + RETRY_AFTER)
        assert [each.kind for each in bench.store.refusals] == [Kind.UNAVAILABLE]

    async def test_by_another_worker_that_holds_it(self, bench: Bench) -> None:
        bench.leases.takes_over(REF)
        opened = await bench.opened()
        assert (opened.queue, opened.fence, opened.why) == (ELSEWHERE_QUEUE, 0, Why.ACCOUNT_ELSEWHERE)
        assert opened.until == START + timedelta(hours=1) + LEASE_OVER
        assert bench.adapter.sessions == []

    async def test_by_its_rest(self, bench: Bench) -> None:
        until = START + timedelta(days=1)
        bench.store.stands = Standing(AccountState.LIMITED, Reason.PEER_FLOOD, until)
        assert await bench.opened() == Opened(why=Why.ACCOUNT_LIMITED, until=until)
        assert bench.journal == []

    async def test_by_a_block_that_is_told_until_it_is_known(self, bench: Bench) -> None:
        bench.store.stands = Standing(AccountState.BLOCKED, Reason.BANNED, reported=False)
        assert await bench.opened() == Opened(why=Why.ACCOUNT_BLOCKED, blocked=Reason.BANNED)
        bench.store.stands = Standing(AccountState.BLOCKED, Reason.BANNED)
        assert await bench.opened() == Opened(why=Why.ACCOUNT_BLOCKED)
        assert bench.turns.abandoned == [(REF, CAMPAIGN)] * 2


class TestRights:
    @pytest.mark.parametrize("check", [DestinationCheck(Right.INVITE, title="Town"), NO_RIGHT])
    async def test_are_written_down_once_for_a_campaign(self, bench: Bench, check: DestinationCheck) -> None:
        bench.store.to_check = TOWN
        bench.prepare(check=check)
        opened = await bench.opened()
        assert opened.fence == 1
        assert opened.rights is not None
        assert opened.rights.can_invite is (check.right is Right.INVITE)
        assert (await bench.opened()).rights is None
        assert bench.store.checks == [check]
        assert bench.adapter.latest.calls == [("check", TOWN)]

    async def test_are_only_told_to_a_look(self, bench: Bench) -> None:
        bench.prepare(check=NO_RIGHT)
        opened = await bench.opened(FOR_A_LOOK)
        assert opened.rights == AccountRights(REF.account_id, False, "no_right_to_invite", "Town")
        assert bench.store.checks == []
        assert bench.store.said == []

    @pytest.mark.parametrize("warnings", [(), (Reason.SLOW_MODE, Reason.NEARLY_FULL)])
    async def test_what_the_owner_should_know_is_kept_and_told(
        self, bench: Bench, warnings: tuple[Reason, ...]
    ) -> None:
        check = DestinationCheck(Right.INVITE, title="Town", warnings=warnings)
        bench.store.to_check = TOWN
        bench.prepare(check=check)
        rights = (await bench.opened()).rights
        assert rights is not None
        assert rights.warnings == tuple(warnings)
        assert bench.store.checks == [check]

    @pytest.mark.parametrize("closed", [NEEDS_JOIN, DestinationCheck(Right.NONE, Reason.JOIN_NEEDED)])
    async def test_a_closed_destination_is_joined_where_that_is_allowed(
        self, bench: Bench, closed: DestinationCheck
    ) -> None:
        bench.store.to_check, bench.store.may_join = TOWN, True
        bench.prepare(checks=[closed])
        rights = (await bench.opened()).rights
        assert rights is not None
        assert rights.can_invite
        assert bench.adapter.latest.calls == [("check", TOWN), ("join", TOWN), ("check", TOWN)]
        assert [check.right for check in bench.store.checks] == [Right.INVITE]

    @pytest.mark.parametrize("closed", [NEEDS_JOIN, DestinationCheck(Right.NONE, Reason.JOIN_NEEDED)])
    async def test_and_is_not_joined_where_it_is_not(self, bench: Bench, closed: DestinationCheck) -> None:
        bench.store.to_check = TOWN
        bench.prepare(check=closed)
        assert (await bench.opened()).rights is not None
        assert bench.store.checks == [closed]
        assert bench.adapter.latest.calls == [("check", TOWN)]

    async def test_an_open_destination_is_not_joined(self, bench: Bench) -> None:
        bench.store.to_check, bench.store.may_join = TOWN, True
        await bench.opened()
        assert bench.adapter.latest.calls == [("check", TOWN)]

    async def test_a_mere_look_joins_nothing(self, bench: Bench) -> None:
        bench.store.may_join = True
        bench.prepare(check=NEEDS_JOIN)
        rights = (await bench.opened(FOR_A_LOOK)).rights
        assert rights is not None
        assert rights.warnings == ("join_needed",)
        assert bench.adapter.latest.calls == [("check", TOWN)]

    @pytest.mark.parametrize(
        "refused",
        [
            Outcome(Kind.DESTINATION, Reason.JOIN_REQUESTED),
            Outcome(Kind.DESTINATION, Reason.DESTINATION_UNKNOWN),
            Outcome(Kind.NOT_ADMIN, Reason.WAS_REMOVED),
        ],
    )
    async def test_a_join_that_is_refused_leaves_it_without_the_right(self, bench: Bench, refused: Outcome) -> None:
        bench.store.to_check, bench.store.may_join = TOWN, True
        bench.prepare(check=NEEDS_JOIN, join_answer=refused)
        assert (await bench.opened()).fence == 1
        assert bench.store.checks == [DestinationCheck(Right.NONE, refused.reason)]
        assert bench.store.refusals == []

    async def test_an_account_that_is_limited_while_joining_rests(self, bench: Bench) -> None:
        until = START + timedelta(hours=1)
        bench.store.to_check, bench.store.may_join = TOWN, True
        bench.store.after_refusal = Standing(AccountState.COOLDOWN, Reason.FLOOD_WAIT, until)
        flood = Outcome(Kind.RATE_LIMITED, Reason.FLOOD_WAIT, timedelta(hours=1))
        bench.prepare(check=NEEDS_JOIN, join_answer=flood)
        assert await bench.opened() == Opened(why=Why.COOLDOWN, until=until)
        assert bench.store.refusals == [flood]
        assert bench.store.checks == []

    async def test_a_refused_look_rests_the_account(self, bench: Bench) -> None:
        bench.store.to_check = TOWN
        bench.prepare(check=Outcome(Kind.BLOCKED, Reason.FROZEN))
        bench.store.after_refusal = Standing(AccountState.BLOCKED, Reason.FROZEN, reported=False)
        assert await bench.opened() == Opened(why=Why.ACCOUNT_BLOCKED, blocked=Reason.FROZEN)
        assert bench.store.checks == []
        assert bench.adapter.latest.closed

    async def test_a_look_without_an_answer_is_the_platform_being_away(self, bench: Bench) -> None:
        bench.store.to_check = TOWN
        bench.prepare(check=Unavailable("Telegram"))
        assert (await bench.opened()).why is Why.PLATFORM_AWAY
        assert bench.store.checks == []

    async def test_but_not_where_our_database_is(self, bench: Bench) -> None:
        bench.store.to_check = TOWN
        bench.prepare(check=DatabaseAway("OperationalError"))
        with pytest.raises(DatabaseAway):
            await bench.opened()
        assert (bench.store.refusals, bench.store.said) == ([], [])


class TestTheRest:
    async def test_the_list_is_made_known_and_names_the_active_ones(self, bench: Bench) -> None:
        bench.directory.listed.append(known("account-3"))
        request = ListRequest(OWNER, ADAPTER, ADAPTER, None)
        assert await bench.temporal.run(bench.activities.list_accounts, request) == ["account-1", "account-3"]
        chosen = ListRequest(OWNER, ADAPTER, ADAPTER, ("account-2", "account-3"))
        assert await bench.temporal.run(bench.activities.list_accounts, chosen) == ["account-3"]
        assert bench.store.known == [(OWNER, ADAPTER, 3)] * 2

    async def test_closing_lets_one_user_go(self, bench: Bench) -> None:
        await bench.opened()
        await bench.temporal.run(bench.activities.close_account, CloseRequest(OWNER, ADAPTER, "account-1", "other"))
        assert not bench.adapter.latest.closed
        await bench.temporal.run(bench.activities.close_account, CloseRequest(OWNER, ADAPTER, "account-1", CAMPAIGN))
        assert bench.adapter.latest.closed

    async def test_a_block_is_reported_and_then_known_to_be(self, bench: Bench) -> None:
        report = BlockReport(OWNER, ADAPTER, REF.account_id, Reason.BANNED)
        bench.directory.away = True
        with pytest.raises(Unavailable):
            await bench.temporal.run(bench.activities.report_block, report)
        assert bench.store.told == []
        bench.directory.away = False
        await bench.temporal.run(bench.activities.report_block, report)
        assert bench.directory.reports == [(REF.account_id, Reason.BANNED)]
        assert bench.store.told == [AccountRef(OWNER, ADAPTER, REF.account_id)]
