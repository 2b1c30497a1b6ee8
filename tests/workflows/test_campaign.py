"""A campaign over time: its accounts gathered, checked and started, its wishes obeyed, its runs woken and stopped."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.campaign import Command, State, Wanted
from domain.platform import Action
from domain.terms import HIGHEST, NORMAL
from domain.why import Why, told
from tests.workflows.fakes import (
    ACCOUNT,
    CAMPAIGN,
    DESTINATION,
    OWNER,
    WORKER_QUEUE,
    Held,
    fails,
    gap,
    halted,
    idles,
    not_opened,
    rests,
)
from tests.workflows.recorded import Recorded
from tests.workflows.stage import Stage, eventually, eventually_in, eventually_true, rests_for
from workflows import names, options
from workflows.campaign import CampaignRun, CampaignWorkflow, Edited

ACCOUNTS = ["account-1", "account-2", "account-3"]
MANY_REVIEWS = timedelta(minutes=20)


@pytest.fixture
def accounts(stage: Stage) -> list[str]:
    stage.campaigns.listed = list(ACCOUNTS)
    return ACCOUNTS


async def settle_all(stage: Stage, campaign: WorkflowHandle[CampaignWorkflow, None]) -> None:
    """Everybody is settled, and the campaign told so as a run would."""
    stage.campaigns.left = 0
    await campaign.signal(CampaignWorkflow.accounts_changed)


async def reviewed_again(stage: Stage) -> None:
    """Two reviews from now on: the first may have begun before."""
    seen = len(stage.campaigns.reviews)
    await eventually(lambda: len(stage.campaigns.reviews) >= seen + 2)


async def signalled(run: WorkflowHandle[Any, Any], signal: str) -> int:
    """How often the run, which may have ended, was told that."""
    events = (await run.fetch_history()).events
    return sum(
        event.workflow_execution_signaled_event_attributes.signal_name == signal
        for event in events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    )


class TestItsWay:
    async def test_gathers_checks_starts_a_run_for_each_account_waits_and_ends(
        self, stage: Stage, accounts: list[str]
    ) -> None:
        campaign = await stage.start_campaign()
        await eventually(lambda: {each.work.account_id for each in stage.actions.done} == set(accounts))
        await settle_all(stage, campaign)
        await campaign.result()
        recorded = await Recorded.of(campaign)
        assert [name for name, _ in recorded.activities()[:3]] == [
            "review_campaign",
            "gather_accounts",
            "review_campaign",
        ]
        assert recorded.children() == [
            ("AdminCheckWorkflow", f"campaign/{CAMPAIGN}/admin-check/0"),
            *(("AccountRunWorkflow", names.account_run(CAMPAIGN, each)) for each in accounts),
        ]
        for account_id in accounts:
            await stage.run_of(account_id).result()
        assert sorted(stage.accounts.closed()) == [(WORKER_QUEUE, each) for each in accounts]
        assert len(stage.campaigns.gathers) == 1

    async def test_nobody_acts_before_all_were_checked(self, stage: Stage, accounts: list[str]) -> None:
        await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == len(accounts))
        checks = [request for _, request in stage.accounts.opens][: len(accounts)]
        assert {request.account_id for request in checks} == set(accounts)
        assert {request.destination for request in checks} == {DESTINATION}
        # The runs open the accounts once more, for themselves.
        assert [request.destination for _, request in stage.accounts.opens[len(accounts) :]] == [""] * len(accounts)

    @pytest.mark.parametrize("action", [Action.INVITE, Action.MESSAGE])
    async def test_a_run_begins_with_the_campaigns_action(self, stage: Stage, action: Action) -> None:
        stage.campaigns.action = action
        await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == 1)
        assert stage.actions.done[0].action is action

    async def test_an_account_that_joins_later_is_checked_and_gets_a_run(self, stage: Stage) -> None:
        stage.campaigns.poll = timedelta(minutes=5)
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.of(ACCOUNT)) == 1)
        stage.campaigns.listed.append("account-2")
        await stage.env.sleep(timedelta(minutes=7))
        await eventually(lambda: len(stage.actions.of("account-2")) == 1)
        assert (await Recorded.of(campaign)).children() == [
            ("AdminCheckWorkflow", f"campaign/{CAMPAIGN}/admin-check/0"),
            ("AccountRunWorkflow", names.account_run(CAMPAIGN, ACCOUNT)),
            ("AdminCheckWorkflow", f"campaign/{CAMPAIGN}/admin-check/1"),
            ("AccountRunWorkflow", names.account_run(CAMPAIGN, "account-2")),
        ]
        assert stage.actions.numbers(ACCOUNT) == [0]

    async def test_a_list_that_cannot_be_read_is_passed_on_as_the_reason(self, stage: Stage) -> None:
        stage.campaigns.directory_away = True
        stage.campaigns.poll = timedelta(minutes=1)
        await stage.start_campaign()
        await eventually(lambda: len(stage.campaigns.reviews) >= 2)
        assert [problem for _, problem in stage.campaigns.reviews[:2]] == [None, Why.INTEGRATION_AWAY]
        stage.campaigns.directory_away = False
        await stage.env.sleep(timedelta(minutes=2))
        await eventually(lambda: len(stage.actions.done) == 1)
        assert stage.campaigns.reviews[-1][1] is None

    async def test_a_workflow_that_starts_after_the_end_only_ends(self, stage: Stage) -> None:
        stage.campaigns.left = 0
        campaign = await stage.start_campaign()
        await campaign.result()
        assert (await Recorded.of(campaign)).children() == []


class TestWaiting:
    async def test_a_running_campaign_is_looked_at_less_often_while_nothing_changes(self, stage: Stage) -> None:
        await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == 1)
        await stage.env.sleep(MANY_REVIEWS)
        moments = [now for now, _ in stage.campaigns.reviews]
        pauses = [later - earlier for earlier, later in pairwise(moments)][-5:]
        for pause in pauses:
            assert abs(pause - options.REVIEW_LONGEST) < timedelta(seconds=2)

    async def test_one_that_waits_is_looked_at_when_its_wait_ends(self, stage: Stage) -> None:
        now = await stage.clock.now()
        stage.campaigns.waiting = (Why.COOLDOWN, now + timedelta(seconds=150))
        campaign = await stage.start_campaign()
        await rests_for(campaign, Why.COOLDOWN)
        await eventually(lambda: len(stage.actions.done) == 1)
        await stage.env.sleep(timedelta(seconds=149))
        before = len(stage.campaigns.reviews)
        await stage.env.sleep(timedelta(seconds=3))
        moments = [each for each, _ in stage.campaigns.reviews]
        assert len(moments) > before
        late = moments[before] - (now + timedelta(seconds=150))
        assert timedelta(0) <= late < timedelta(seconds=1)

    async def test_the_runs_that_the_review_names_are_woken(self, stage: Stage, accounts: list[str]) -> None:
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == len(accounts))
        stage.campaigns.wake = ["account-2"]
        await campaign.signal(CampaignWorkflow.accounts_changed)
        await eventually(lambda: len(stage.actions.of("account-2")) == 2)
        stage.campaigns.wake = []
        assert len(stage.actions.of("account-1")) == len(stage.actions.of("account-3")) == 1


class TestWishes:
    async def test_pause_resume_and_cancel_wake_every_run_once_each(self, stage: Stage, accounts: list[str]) -> None:
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == len(accounts))
        for account_id in accounts:
            stage.actions.script(halted(), account_id=account_id)
        await campaign.signal(CampaignWorkflow.pause, stage.campaigns.command(Wanted.PAUSED))
        await rests_for(campaign, Why.PAUSED)
        for account_id in accounts:
            await rests_for(stage.run_of(account_id), Why.PAUSED)
        await campaign.signal(CampaignWorkflow.resume, stage.campaigns.command(Wanted.RUN))
        await eventually(lambda: len(stage.actions.done) == 3 * len(accounts))
        await campaign.signal(CampaignWorkflow.cancel, stage.campaigns.command(Wanted.CANCELLED))
        await campaign.result()
        for account_id in accounts:
            await stage.run_of(account_id).result()
            assert await signalled(stage.run_of(account_id), "wake") == 2
            assert await signalled(stage.run_of(account_id), "stop") == 1
        told = [(signal, sorted(runs)) for signal, runs in stage.campaigns.told]
        assert told == [("wake", accounts), ("wake", accounts), ("stop", accounts)], "all of them by one activity"

    async def test_a_paused_campaign_sleeps_without_a_timer(self, stage: Stage) -> None:
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == 1)
        stage.actions.script(halted())
        await campaign.signal(CampaignWorkflow.pause, stage.campaigns.command(Wanted.PAUSED))
        await rests_for(stage.run_of(), Why.PAUSED)
        await rests_for(campaign, Why.PAUSED)
        seen = len(stage.campaigns.reviews)
        await stage.env.sleep(timedelta(days=7))
        assert len(stage.campaigns.reviews) <= seen + 1  # what its run told it when it halted

    async def test_an_older_or_repeated_number_changes_nothing(self, stage: Stage) -> None:
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == 1)
        stage.actions.script(halted())
        number = stage.campaigns.command(Wanted.PAUSED)
        await campaign.signal(CampaignWorkflow.pause, number)
        await rests_for(campaign, Why.PAUSED)
        await rests_for(stage.run_of(), Why.PAUSED)
        await stage.env.sleep(timedelta(minutes=1))
        seen, woken = len(stage.campaigns.reviews), await signalled(stage.run_of(), "wake")
        for _ in range(2):
            await campaign.signal(CampaignWorkflow.pause, number)
            await campaign.signal(CampaignWorkflow.resume, number - 1)
        await stage.env.sleep(timedelta(minutes=1))
        assert len(stage.campaigns.reviews) == seen
        assert await signalled(stage.run_of(), "wake") == woken
        assert stage.campaigns.commands == []

    @pytest.mark.parametrize("command", [Command.PAUSE, Command.CANCEL])
    async def test_a_bare_signal_is_a_command(self, stage: Stage, command: Command) -> None:
        """As an operator sends it in the Temporal Web UI."""
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == 1)
        await campaign.signal(command.value)
        await eventually(lambda: stage.campaigns.commands == [command])
        if command is Command.CANCEL:
            await campaign.result()
        else:
            await rests_for(campaign, Why.PAUSED)
            await campaign.signal("resume")
            await rests_for(campaign, Why.WORKING)
            assert stage.campaigns.commands == [Command.PAUSE, Command.RESUME]

    async def test_a_wish_during_an_activity_is_not_lost(self, stage: Stage) -> None:
        """The review has read the old wish already when the new one comes."""
        stage.campaigns.due = False
        stage.campaigns.joined = [ACCOUNT]
        started: list[WorkflowHandle[CampaignWorkflow, None]] = []

        async def pause_meanwhile() -> None:
            await eventually(lambda: bool(started))
            await started[0].signal(CampaignWorkflow.pause, stage.campaigns.command(Wanted.PAUSED))

        stage.campaigns.during_review = pause_meanwhile
        started.append(await stage.start_campaign())
        await rests_for(started[0], Why.PAUSED)

    async def test_a_bare_signal_during_an_activity_is_not_lost(self, stage: Stage) -> None:
        started: list[WorkflowHandle[CampaignWorkflow, None]] = []

        async def pause_meanwhile() -> None:
            await eventually(lambda: bool(started))
            await started[0].signal("pause")

        stage.campaigns.during_review = pause_meanwhile
        started.append(await stage.start_campaign())
        await rests_for(started[0], Why.PAUSED)
        assert stage.campaigns.commands == [Command.PAUSE]


class TestLostAndBroken:
    async def test_a_lost_run_is_started_again(self, stage: Stage) -> None:
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == 1)
        await stage.run_of().terminate()
        await campaign.signal(CampaignWorkflow.run_lost, ACCOUNT)
        await eventually(lambda: len(stage.actions.done) == 2)
        runs = {each.work.run for each in stage.actions.done}
        assert len(runs) == 2, "a new run's turns need new ids"
        assert stage.actions.numbers() == [0, 0]

    async def test_a_run_that_is_not_there_to_be_woken_is_started_again(self, stage: Stage) -> None:
        """Terminated while it rested, with no turn open: no sweeper finds that, only its campaign can."""
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == 1)
        await rests_for(stage.run_of(), Why.QUEUE_EMPTY)
        await stage.run_of().terminate()
        stage.campaigns.wake = [ACCOUNT]
        await campaign.signal(CampaignWorkflow.accounts_changed)
        await eventually(lambda: len(stage.actions.done) == 2)

    async def test_runs_that_outlived_their_campaigns_workflow_are_woken_by_its_next(
        self, stage: Stage, accounts: list[str]
    ) -> None:
        """They halted under the old one; the owner's resume starts a new one, which knows of none."""
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == len(accounts))
        for account_id in accounts:
            stage.actions.script(halted(), account_id=account_id)
        await campaign.signal(CampaignWorkflow.pause, stage.campaigns.command(Wanted.PAUSED))
        for account_id in accounts:
            await rests_for(stage.run_of(account_id), Why.PAUSED)
        await campaign.terminate()
        stage.campaigns.command(Wanted.RUN)
        await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == 3 * len(accounts))
        assert len({each.work.run for each in stage.actions.done}) == len(accounts)

    async def test_errors_of_our_own_in_a_row_end_it_as_failed(self, stage: Stage) -> None:
        attempts = options.ACTION["retry_policy"].maximum_attempts
        stage.actions.script(*[fails(RuntimeError("bug"))] * (options.ERRORS_IN_A_ROW * attempts))
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) >= 1)
        await campaign.result()
        assert stage.campaigns.failed == 1
        await stage.run_of().result()

    async def test_the_end_stops_all_runs_whatever_they_are_doing(self, stage: Stage) -> None:
        stage.campaigns.listed = [*ACCOUNTS, "account-4", "account-5"]
        held = Held(idles())
        stage.actions.script(rests(Why.COOLDOWN, timedelta(days=2)), account_id="account-1")
        stage.actions.script(gap(timedelta(hours=1)), account_id="account-2")
        stage.actions.script(held, account_id="account-3")
        stage.accounts.script(not_opened(Why.ACCOUNT_BLOCKED), not_opened(Why.ACCOUNT_BLOCKED), account_id="account-5")
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == 4)
        await rests_for(stage.run_of("account-5"), Why.ACCOUNT_BLOCKED)
        await settle_all(stage, campaign)

        async def it_is_told() -> bool:
            return await signalled(stage.run_of("account-3"), "stop") == 1

        await eventually_true(it_is_told)
        held.go.set()
        await campaign.result()
        for account_id in stage.campaigns.listed:
            await stage.run_of(account_id).result()
        assert sorted(each for _, each in stage.accounts.closed()) == stage.campaigns.listed[:4]

    async def test_runs_of_accounts_that_are_gone_are_stopped_too_after_a_restart(self, stage: Stage) -> None:
        """A new workflow learns of the runs that it did not start itself from the campaign's list of accounts."""
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == 1)
        await rests_for(stage.run_of(), Why.QUEUE_EMPTY)
        await campaign.terminate()
        stage.campaigns.gone = {ACCOUNT}
        stage.campaigns.left = 0
        await (await stage.start_campaign()).result()
        assert await signalled(stage.run_of(), "stop") == 1
        await stage.run_of().result()


class TestShows:
    async def test_its_numbers_and_its_reason_by_query(self, stage: Stage) -> None:
        held: list[WorkflowHandle[CampaignWorkflow, None]] = []
        asked: list[object] = []

        async def ask_before_the_first() -> None:
            await eventually(lambda: bool(held))
            asked.append(await held[0].query(CampaignWorkflow.stats))
            asked.append(await held[0].query(CampaignWorkflow.why))

        stage.campaigns.during_review = ask_before_the_first
        held.append(await stage.start_campaign())
        await eventually(lambda: len(stage.actions.done) == 1)
        assert asked == [None, told(Why.PREPARING, None, None)]
        stage.campaigns.left = 1
        await held[0].signal(CampaignWorkflow.accounts_changed)
        await eventually_processed(held[0], 2)
        snapshot = await held[0].query(CampaignWorkflow.stats)
        assert snapshot is not None
        assert (snapshot.campaign_id, snapshot.state) == (CAMPAIGN, "running")
        assert (snapshot.numbers.total, snapshot.numbers.left) == (3, 1)
        assert snapshot.as_of in [now for now, _ in stage.campaigns.reviews]

    async def test_its_state_as_a_search_attribute_and_in_words(self, stage: Stage) -> None:
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == 1)
        metadata = await campaign.query("__temporal_workflow_metadata")
        assert "running: At work. 0 of 3 recipients settled." in str(metadata)
        assert (await Recorded.of(campaign)).priorities() == [3]
        stage.actions.script(halted())
        await campaign.signal(CampaignWorkflow.pause, stage.campaigns.command(Wanted.PAUSED))
        await rests_for(campaign, Why.PAUSED)
        assert "paused: Paused by you. You can end it." in str(await campaign.query("__temporal_workflow_metadata"))
        await campaign.signal(CampaignWorkflow.cancel, stage.campaigns.command(Wanted.CANCELLED))
        await campaign.result()
        assert (await Recorded.of(campaign)).states() == ["running", "paused", "cancelled"]


class TestEdits:
    async def test_an_edit_is_answered_once_all_runs_have_been_woken_to_it(
        self, stage: Stage, accounts: list[str]
    ) -> None:
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == len(accounts))
        number = stage.campaigns.command(Wanted.RUN)
        assert await campaign.execute_update(CampaignWorkflow.edit, Edited(2, number)) == 2
        await eventually(lambda: len(stage.actions.done) == 2 * len(accounts))

    async def test_a_new_priority_is_that_of_the_next_tasks(self, stage: Stage, accounts: list[str]) -> None:
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == len(accounts))
        assert {each.priority for each in stage.actions.done} == {NORMAL}
        stage.campaigns.priority = HIGHEST
        await campaign.execute_update(CampaignWorkflow.edit, Edited(2, stage.campaigns.command(Wanted.RUN)))
        await eventually(lambda: len(stage.actions.done) == 2 * len(accounts))
        for account_id in accounts:
            assert stage.actions.of(account_id)[-1].priority == HIGHEST

    async def test_a_revision_that_is_not_newer_is_refused(self, stage: Stage) -> None:
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == 1)
        await campaign.execute_update(CampaignWorkflow.edit, Edited(3, stage.campaigns.command(Wanted.RUN)))
        for revision in (2, 3):
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await campaign.execute_update(CampaignWorkflow.edit, Edited(revision, stage.campaigns.control_no))
            assert isinstance(refused.value.cause, ApplicationError)
            assert refused.value.cause.type == "Stale"

    async def test_an_edit_that_the_campaign_ends_upon_is_answered_too(self, stage: Stage) -> None:
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == 1)
        stage.campaigns.left = 0
        assert await campaign.execute_update(CampaignWorkflow.edit, Edited(2, stage.campaigns.command(Wanted.RUN))) == 2
        await campaign.result()


class TestOthers:
    async def test_campaigns_that_gave_way_are_told_that_they_may_go_on(self, stage: Stage) -> None:
        other = "00000000-0000-4000-8000-000000000002"
        listener = await stage.start_listener(names.campaign(other))
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == 1)
        stage.campaigns.freed = [other, "00000000-0000-4000-8000-000000000003"]  # the second one is not there
        await campaign.signal(CampaignWorkflow.pause, stage.campaigns.command(Wanted.PAUSED))
        await eventually_in(listener, "told", ["accounts_changed"])
        await rests_for(campaign, Why.PAUSED)

    async def test_an_owner_may_end_one_that_waits(self, stage: Stage) -> None:
        stage.campaigns.waiting = (Why.ACCOUNTS_GONE, None)
        campaign = await stage.start_campaign()
        await rests_for(campaign, Why.ACCOUNTS_GONE)
        await campaign.signal(CampaignWorkflow.finish, stage.campaigns.command(Wanted.FINISHED))
        await campaign.result()
        assert stage.campaigns.ended is State.DONE_WITH_ERRORS


class TestTold:
    """A review tells what changed since the one that was heard before."""

    async def test_the_query_puts_together_what_the_reviews_told(self, stage: Stage, accounts: list[str]) -> None:
        stage.campaigns.page = 2
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == len(accounts))
        assert stage.campaigns.seen[:3] == [0, 0, 2]
        stage.campaigns.joined.append("account-4")
        await campaign.signal(CampaignWorkflow.accounts_changed)
        await eventually(lambda: len(stage.actions.of("account-4")) == 1)
        snapshot = await campaign.query(CampaignWorkflow.stats)
        assert snapshot is not None
        assert [line.account_id for line in snapshot.accounts] == [*accounts, "account-4"]

    async def test_nobody_acts_before_all_pages_are_read_and_all_checked(
        self, stage: Stage, accounts: list[str]
    ) -> None:
        stage.campaigns.page = 1
        await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == len(accounts))
        checks = [request for _, request in stage.accounts.opens][: len(accounts)]
        assert {request.account_id for request in checks} == set(accounts)

    async def test_an_account_that_is_gone_has_no_run_until_it_is_back(self, stage: Stage, accounts: list[str]) -> None:
        stage.campaigns.gone = {"account-2"}
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == 2)
        assert stage.accounts.opened("account-2") == []
        stage.campaigns.gone = set()
        await campaign.signal(CampaignWorkflow.accounts_changed)
        await eventually(lambda: len(stage.actions.of("account-2")) == 1)

    async def test_the_last_lines_are_told_before_the_end(self, stage: Stage, accounts: list[str]) -> None:
        """Nothing is in flight then: the query says what the status says."""
        campaign = await stage.start_campaign()
        await eventually(lambda: len(stage.actions.done) == len(accounts))
        stage.campaigns.page = 1
        await settle_all(stage, campaign)
        await campaign.result()
        snapshot = await campaign.query(CampaignWorkflow.stats)
        assert snapshot is not None
        assert (snapshot.state, {line.why for line in snapshot.accounts}) == ("done", {"ended"})


class TestContinued:
    async def test_knows_its_runs_and_the_last_wish(self, stage: Stage) -> None:
        stage.campaigns.due = False
        stage.campaigns.joined = [ACCOUNT, "account-2"]
        stage.campaigns.control_no = 4
        run = await stage.start_listener(names.account_run(CAMPAIGN, ACCOUNT))
        campaign = await stage.start_campaign(CampaignRun(OWNER, CAMPAIGN, control_no=4, started=(ACCOUNT,)))
        await eventually(lambda: len(stage.actions.of("account-2")) == 1)
        assert (await Recorded.of(campaign)).children() == [
            ("AdminCheckWorkflow", f"campaign/{CAMPAIGN}/admin-check/1"),
            ("AccountRunWorkflow", names.account_run(CAMPAIGN, "account-2")),
        ]
        assert await run.query("told") == []  # the wish of this number was passed on before
        await campaign.signal(CampaignWorkflow.cancel, stage.campaigns.command(Wanted.CANCELLED))
        await campaign.result()
        await run.result()

    async def test_knows_why_its_accounts_could_not_be_read(self, stage: Stage) -> None:
        """Else it would say for a minute that there are none."""
        stage.campaigns.due = False
        await stage.start_campaign(CampaignRun(OWNER, CAMPAIGN, control_no=1, problem=Why.INTEGRATION_AWAY))
        await eventually(lambda: bool(stage.campaigns.reviews))
        assert stage.campaigns.reviews[0][1] is Why.INTEGRATION_AWAY


async def eventually_processed(campaign: WorkflowHandle[CampaignWorkflow, None], processed: int) -> None:
    await eventually_true(lambda: _processed(campaign, processed))


async def _processed(campaign: WorkflowHandle[CampaignWorkflow, None], processed: int) -> bool:
    snapshot = await campaign.query(CampaignWorkflow.stats)
    return snapshot is not None and snapshot.numbers.processed == processed
