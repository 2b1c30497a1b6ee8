"""An account's run over time: acts, rests on durable timers, is woken, moved, blocked, halted and stopped."""

from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError, CancelledError

from activities.accounts import Opened
from domain.errors import InDoubt, Unavailable
from domain.outcome import Reason
from domain.platform import Action
from domain.why import Why
from tests.workflows.fakes import (
    ACCOUNT,
    CAMPAIGN,
    OWNER,
    PLATFORM,
    QUEUE,
    WORKER_QUEUE,
    Answer,
    Held,
    acts,
    blocked,
    fails,
    gap,
    halted,
    held_on,
    idles,
    not_opened,
    reopens,
    rests,
)
from tests.workflows.recorded import Recorded, eventually_recorded
from tests.workflows.stage import Stage, eventually, eventually_in, rests_for, skipping_stage
from workflows import names, options
from workflows.account_run import AccountRun, AccountRunWorkflow

LATENESS = timedelta(seconds=1)
"""A timer is shorter than the rest by what passed between the activity's answer and it."""


class TestActsAndRests:
    async def test_a_flood_wait_of_hours_is_one_timer_of_that_length(self, stage: Stage) -> None:
        stage.actions.script(rests(Why.COOLDOWN, timedelta(hours=7)))
        run = await stage.start_run()
        await rests_for(run, Why.COOLDOWN)
        await stage.env.sleep(timedelta(hours=6, minutes=59))
        assert len(stage.actions.done) == 1
        await stage.env.sleep(timedelta(minutes=2))
        await eventually(lambda: len(stage.actions.done) == 2)
        [timer] = (await Recorded.of(run)).timers()
        assert timedelta(hours=7) - LATENESS < timer.asked <= timedelta(hours=7)
        assert timer.rested is not None
        assert timer.asked <= timer.rested < timer.asked + LATENESS

    async def test_each_gap_is_a_timer_and_the_next_action_follows_it(self, stage: Stage) -> None:
        stage.actions.script(*[gap(timedelta(seconds=12))] * 5)
        run = await stage.start_run()
        await stage.env.sleep(timedelta(seconds=70))
        await eventually(lambda: len(stage.actions.done) == 6)
        timers = (await Recorded.of(run)).timers()
        assert len(timers) == 5
        assert all(timedelta(seconds=11) < timer.asked <= timedelta(seconds=12) for timer in timers)
        assert stage.actions.numbers() == list(range(6))

    async def test_a_full_time_box_is_followed_by_the_next_at_once(self, stage: Stage) -> None:
        stage.actions.script(acts(), acts(), acts())
        run = await stage.start_run()
        await eventually(lambda: len(stage.actions.done) == 4)
        assert (await Recorded.of(run)).timers() == []

    async def test_an_empty_queue_is_idled_at_without_a_timer_until_woken(self, stage: Stage) -> None:
        run = await stage.start_run()
        await rests_for(run, Why.QUEUE_EMPTY)
        assert (await Recorded.of(run)).timers() == []
        assert len(stage.actions.done) == 1
        await run.signal(AccountRunWorkflow.wake)
        await eventually(lambda: len(stage.actions.done) == 2)
        await rests_for(run, Why.QUEUE_EMPTY)
        await stage.env.sleep(timedelta(hours=1))
        assert len(stage.actions.done) == 2  # one wake is one look

    async def test_wake_ends_a_rest(self, stage: Stage) -> None:
        stage.actions.script(rests(Why.ACCOUNT_LIMITED, timedelta(days=1)))
        run = await stage.start_run()
        await rests_for(run, Why.ACCOUNT_LIMITED)
        await run.signal(AccountRunWorkflow.wake)
        await eventually(lambda: len(stage.actions.done) == 2)
        [timer] = (await Recorded.of(run)).timers()
        assert timer.rested is None

    async def test_a_wake_during_an_action_is_not_lost(self, stage: Stage) -> None:
        """The queue was seen empty before the campaign had anything new: the news must not be slept through."""
        held = Held(idles())
        stage.actions.script(held)
        run = await stage.start_run()
        await held.begun.wait()
        await run.signal(AccountRunWorkflow.wake)
        held.go.set()
        await eventually(lambda: len(stage.actions.done) == 2)

    async def test_the_action_follows_what_is_due(self, stage: Stage) -> None:
        stage.actions.script(acts(Action.MESSAGE), acts(Action.MESSAGE), acts(Action.ADD_CONTACT), acts(Action.INVITE))
        await stage.start_run()
        await eventually(lambda: len(stage.actions.done) == 5)
        assert [each.action for each in stage.actions.done] == [
            Action.INVITE,
            Action.MESSAGE,
            Action.MESSAGE,
            Action.ADD_CONTACT,
            Action.INVITE,
        ]


class TestNumbers:
    async def test_a_lost_action_is_repeated_with_its_number_after_opening_again(self, stage: Stage) -> None:
        """Turns' ids are made of it: the repetition is given the same turn."""
        stage.actions.script(acts(), *[fails(RuntimeError("bug"))] * 5, acts())
        run = await stage.start_run()
        await stage.env.sleep(timedelta(minutes=2))
        await eventually(lambda: len(stage.actions.done) == 8)
        assert stage.actions.numbers() == [0, 1, 1, 1, 1, 1, 1, 2]
        assert [each.attempt for each in stage.actions.done] == [1, 1, 2, 3, 4, 5, 1, 1]
        assert [name for name, _ in (await Recorded.of(run)).activities()] == [
            "open_account",
            "invite",
            "invite",
            "open_account",
            "invite",
            "invite",
        ]

    async def test_an_account_that_is_not_open_here_is_opened_again(self, stage: Stage) -> None:
        stage.actions.script(acts(), reopens(), acts())
        await stage.start_run()
        await eventually(lambda: len(stage.actions.done) == 4)
        assert stage.actions.numbers() == [0, 1, 2, 3]
        assert [each.work.fence for each in stage.actions.done] == [1, 1, 2, 2]

    async def test_the_ids_of_turns_stay_those_of_the_first_run(self, stage: Stage) -> None:
        stage.actions.script(acts())
        run = await stage.start_run()
        await eventually(lambda: len(stage.actions.done) == 2)
        assert {each.work.run for each in stage.actions.done} == {run.first_execution_run_id}

    async def test_a_continued_run_goes_on_from_its_number_where_the_account_is_open(self, stage: Stage) -> None:
        carried = AccountRun(
            OWNER, CAMPAIGN, ACCOUNT, PLATFORM, PLATFORM, Action.MESSAGE, 41, WORKER_QUEUE, 7, "first-run"
        )
        await stage.start_run(carried)
        await eventually(lambda: len(stage.actions.done) == 1)
        [done] = stage.actions.done
        assert (done.action, done.work.number, done.work.fence) == (Action.MESSAGE, 41, 7)
        assert done.work.run == "first-run"
        assert stage.accounts.opens == []


class TestTheWorkersQueue:
    async def test_a_worker_that_does_not_answer_is_left_for_another_one(self) -> None:
        async with skipping_stage(own_worker=False) as stage:
            stage.accounts.script(lambda now: _open_on("invite/dead"))
            stage.actions.script(acts())
            async with stage.own_worker():
                run = await stage.start_run()
                await eventually(lambda: len(stage.accounts.opens) == 1)
                await stage.env.sleep(options.WORKER_QUEUE_SCHEDULE_TO_START + 2 * options.REOPEN_PAUSE)
                await eventually(lambda: len(stage.actions.done) == 2)
                recorded = await Recorded.of(run)
        assert recorded.count(EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT) == 1
        assert stage.actions.numbers() == [0, 1]
        assert recorded.activities()[:4] == [
            ("open_account", QUEUE),
            ("invite", "invite/dead"),
            ("open_account", QUEUE),
            ("invite", WORKER_QUEUE),
        ]

    async def test_an_account_held_by_another_worker_is_used_through_that_one(self, stage: Stage) -> None:
        stage.accounts.script(held_on(WORKER_QUEUE, timedelta(seconds=15)))
        await stage.start_run()
        await eventually(lambda: len(stage.actions.done) == 1)
        assert stage.accounts.opened() == [QUEUE, WORKER_QUEUE]

    async def test_an_account_held_by_a_dead_worker_is_waited_for_until_its_lease_ends(self, stage: Stage) -> None:
        lease = timedelta(seconds=15)
        stage.accounts.script(held_on("invite/dead", lease))
        run = await stage.start_run()
        await rests_for(run, Why.ACCOUNT_ELSEWHERE)
        await stage.env.sleep(lease)
        await eventually(lambda: len(stage.actions.done) == 1)
        assert stage.accounts.opened() == [QUEUE] * 2
        recorded = await Recorded.of(run)
        assert recorded.activities()[:2] == [("open_account", QUEUE), ("open_account", "invite/dead")]
        assert recorded.count(EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT) == 1
        [timer] = recorded.timers()
        asked_for = lease - options.WORKER_QUEUE_SCHEDULE_TO_START
        assert asked_for - LATENESS < timer.asked <= asked_for

    async def test_a_queue_that_did_not_answer_is_not_asked_again_before_the_lease_has_ended(
        self, stage: Stage
    ) -> None:
        """Asking it once more would cost three seconds, just when the lease ends."""
        lease = timedelta(seconds=10)
        stage.accounts.script(lambda now: _open_on("invite/dead"), held_on("invite/dead", lease))
        run = await stage.start_run()
        await stage.env.sleep(options.WORKER_QUEUE_SCHEDULE_TO_START + 2 * options.REOPEN_PAUSE)
        await rests_for(run, Why.ACCOUNT_ELSEWHERE)
        stage.accounts.script(held_on(WORKER_QUEUE, lease))
        await stage.env.sleep(lease)
        await eventually(lambda: len(stage.actions.done) == 1)
        assert stage.accounts.opened() == [QUEUE, QUEUE, QUEUE, WORKER_QUEUE]

    async def test_a_worker_that_only_was_slow_is_asked_again_after_that(self, stage: Stage) -> None:
        """Its lease goes on for ever: the account must not wait as long."""
        lease = timedelta(seconds=10)
        late = AccountRun(OWNER, CAMPAIGN, ACCOUNT, PLATFORM, PLATFORM, Action.INVITE, 1, "invite/slow", 1, "first")
        stage.accounts.script(held_on("invite/slow", lease), held_on("invite/slow", lease))
        run = await stage.start_run(late)
        await stage.env.sleep(options.WORKER_QUEUE_SCHEDULE_TO_START + 2 * options.REOPEN_PAUSE)
        await rests_for(run, Why.ACCOUNT_ELSEWHERE)
        async with stage.own_worker(await stage.another_client(), "invite/slow"):
            await stage.env.sleep(lease)
            await eventually(lambda: stage.accounts.opened() == [QUEUE, QUEUE, "invite/slow"])

    async def test_what_cannot_be_opened_is_tried_again_when_it_said(self, stage: Stage) -> None:
        stage.accounts.script(not_opened(Why.CREDENTIALS_AWAY, timedelta(seconds=10)))
        run = await stage.start_run()
        await rests_for(run, Why.CREDENTIALS_AWAY)
        await stage.env.sleep(timedelta(seconds=11))
        await eventually(lambda: len(stage.actions.done) == 1)

    async def test_a_lost_right_is_looked_at_again_by_opening_the_account(self, stage: Stage) -> None:
        stage.actions.script(rests(Why.NOT_ADMIN))
        run = await stage.start_run()
        await rests_for(run, Why.NOT_ADMIN)
        await run.signal(AccountRunWorkflow.wake)
        await eventually(lambda: len(stage.actions.done) == 2)
        assert stage.accounts.opened() == [QUEUE, QUEUE]

    @pytest.mark.parametrize(
        "long", [rests(Why.COOLDOWN, timedelta(hours=1), closed=True), gap(timedelta(hours=1), closed=True)]
    )
    async def test_an_account_that_was_closed_for_its_rest_is_opened_after_it(self, stage: Stage, long: Answer) -> None:
        stage.actions.script(long)
        await stage.start_run()
        await eventually(lambda: len(stage.actions.done) == 1)
        await stage.env.sleep(timedelta(hours=1, minutes=1))
        await eventually(lambda: len(stage.actions.done) == 2)
        assert stage.accounts.opened() == [QUEUE, QUEUE]


class TestBlocked:
    async def test_a_block_is_told_once_and_slept_on_until_woken(self, stage: Stage) -> None:
        stage.actions.script(acts(), blocked(Reason.BANNED))
        # Opened again while it is blocked: that is known, not new.
        stage.accounts.script(lambda now: _open_on(WORKER_QUEUE), not_opened(Why.ACCOUNT_BLOCKED))
        run = await stage.start_run()
        await rests_for(run, Why.ACCOUNT_BLOCKED)
        await stage.env.sleep(timedelta(days=30))
        assert len(stage.actions.done) == 2
        await run.signal(AccountRunWorkflow.wake)
        await eventually(lambda: len(stage.accounts.opens) == 2)
        await rests_for(run, Why.ACCOUNT_BLOCKED)
        assert [(each.account_id, each.reason) for each in stage.accounts.reports] == [(ACCOUNT, Reason.BANNED)]
        await run.signal(AccountRunWorkflow.wake)  # its owner has healed it
        await eventually(lambda: len(stage.actions.done) == 3)
        assert (await Recorded.of(run)).timers() == []

    async def test_a_block_at_signing_in_is_told_as_well(self, stage: Stage) -> None:
        stage.accounts.script(not_opened(Why.ACCOUNT_BLOCKED, reason=Reason.SIGNED_OUT))
        run = await stage.start_run()
        await rests_for(run, Why.ACCOUNT_BLOCKED)
        assert [each.reason for each in stage.accounts.reports] == [Reason.SIGNED_OUT]
        assert stage.actions.done == []


class TestHalted:
    async def test_sleeps_without_timers_until_woken(self, stage: Stage) -> None:
        stage.actions.script(acts(), halted())
        run = await stage.start_run()
        await rests_for(run, Why.PAUSED)
        await stage.env.sleep(timedelta(days=3))
        assert len(stage.actions.done) == 2
        await run.signal(AccountRunWorkflow.wake)
        await eventually(lambda: len(stage.actions.done) == 3)
        assert (await Recorded.of(run)).timers() == []
        assert stage.accounts.opened() == [QUEUE]

    async def test_a_wake_that_overtakes_the_halt_is_not_lost(self, stage: Stage) -> None:
        """Pause and resume while an action is in flight: it saw the pause, and the resume came before its answer."""
        held = Held(halted())
        stage.actions.script(held)
        run = await stage.start_run()
        await held.begun.wait()
        await run.signal(AccountRunWorkflow.wake)
        held.go.set()
        await eventually(lambda: len(stage.actions.done) == 2)


class TestItsEnd:
    async def test_stop_ends_it_and_closes_the_account(self, stage: Stage) -> None:
        run = await stage.start_run()
        await eventually(lambda: len(stage.actions.done) == 1)
        await run.signal(AccountRunWorkflow.stop)
        await run.result()
        assert stage.accounts.closed() == [(WORKER_QUEUE, ACCOUNT)]
        assert stage.accounts.closes[0][1].user == CAMPAIGN

    async def test_stop_during_an_action_waits_for_its_result(self, stage: Stage) -> None:
        held = Held(acts())
        stage.actions.script(held)
        run = await stage.start_run()
        await held.begun.wait()
        await run.signal(AccountRunWorkflow.stop)
        assert (await run.describe()).status is WorkflowExecutionStatus.RUNNING
        held.go.set()
        await run.result()
        assert len(stage.actions.done) == 1
        assert stage.accounts.closed() == [(WORKER_QUEUE, ACCOUNT)]

    async def test_an_account_that_rests_for_want_of_rights_is_closed_too(self, stage: Stage) -> None:
        """It is open while it rests; only afterwards would it be opened again."""
        stage.actions.script(rests(Why.NOT_ADMIN))
        run = await stage.start_run()
        await rests_for(run, Why.NOT_ADMIN)
        await run.signal(AccountRunWorkflow.stop)
        await run.result()
        assert stage.accounts.closed() == [(WORKER_QUEUE, ACCOUNT)]

    async def test_what_its_dead_worker_does_not_close_does_not_keep_it(self, stage: Stage) -> None:
        run = await stage.start_run(
            AccountRun(OWNER, CAMPAIGN, ACCOUNT, PLATFORM, PLATFORM, Action.INVITE, 1, "invite/dead", 1, "first")
        )
        await run.signal(AccountRunWorkflow.stop)
        await run.result()
        assert stage.accounts.closes == []

    async def test_a_cancellation_waits_for_the_result_in_flight(self, stage: Stage) -> None:
        held = Held(acts())
        stage.actions.script(held)
        run = await stage.start_run()
        await held.begun.wait()
        await run.cancel()
        await run.result()  # the turn's result came; a cancellation would have lost it
        recorded = await Recorded.of(run)
        assert recorded.count(EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED) == 1
        assert recorded.count(EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED) == 3
        assert len(stage.actions.done) == 1
        assert stage.accounts.closed() == [(WORKER_QUEUE, ACCOUNT)]

    async def test_a_cancellation_ends_a_rest(self, stage: Stage) -> None:
        stage.actions.script(rests(Why.COOLDOWN, timedelta(days=1)))
        run = await stage.start_run()
        await rests_for(run, Why.COOLDOWN)
        await run.cancel()
        with pytest.raises(WorkflowFailureError) as ended:
            await run.result()
        assert isinstance(ended.value.cause, CancelledError)

    async def test_a_cancellation_is_not_lost_while_no_worker_takes_the_action(self) -> None:
        async with skipping_stage(own_worker=False) as stage:
            run = await stage.start_run()
            await eventually_recorded(run, lambda recorded: ("invite", WORKER_QUEUE) in recorded.activities())
            await run.cancel()
            await run.result()
        assert len(stage.accounts.opens) == 1


class TestTellsItsCampaign:
    async def test_once_for_each_kind_of_rest(self, stage: Stage) -> None:
        campaign = await stage.start_listener(names.campaign(CAMPAIGN))
        day = timedelta(days=1)
        stage.actions.script(rests(Why.COOLDOWN, day), rests(Why.COOLDOWN, day), rests(Why.BUDGET_SPENT, day))
        await stage.start_run()
        await eventually(lambda: len(stage.actions.done) == 1)
        await stage.env.sleep(timedelta(days=2, hours=1))
        await eventually(lambda: len(stage.actions.done) == 3)
        await stage.env.sleep(timedelta(hours=1))
        assert await campaign.query("told") == ["accounts_changed"] * 2

    async def test_again_when_it_has_acted_since(self, stage: Stage) -> None:
        """It may have settled the last recipient: the campaign ends then, not at its next look a minute later."""
        campaign = await stage.start_listener(names.campaign(CAMPAIGN))
        stage.actions.script(idles(), idles(turns=1))
        run = await stage.start_run()
        await eventually_in(campaign, "told", ["accounts_changed"])
        await run.signal(AccountRunWorkflow.wake)
        await eventually_in(campaign, "told", ["accounts_changed"] * 2)
        await run.signal(AccountRunWorkflow.wake)
        await eventually(lambda: len(stage.actions.done) == 3)
        await rests_for(run, Why.QUEUE_EMPTY)
        assert await campaign.query("told") == ["accounts_changed"] * 2

    async def test_that_it_is_broken_after_errors_in_a_row(self, stage: Stage) -> None:
        campaign = await stage.start_listener(names.campaign(CAMPAIGN))
        attempts = options.ACTION["retry_policy"].maximum_attempts
        stage.actions.script(*[fails(RuntimeError("bug"))] * (options.ERRORS_IN_A_ROW * attempts))
        await stage.start_run()
        await stage.env.sleep(timedelta(minutes=10))
        await eventually_in(campaign, "told", ["broken", "accounts_changed"])
        assert set(stage.actions.numbers()) == {0}

    async def test_nothing_of_errors_with_successes_between(self, stage: Stage) -> None:
        campaign = await stage.start_listener(names.campaign(CAMPAIGN))
        errors = [fails(ApplicationError("bug", non_retryable=True))] * (options.ERRORS_IN_A_ROW - 1)
        stage.actions.script(*errors, acts(), *errors)
        await stage.start_run()
        await stage.env.sleep(timedelta(minutes=20))
        await eventually_in(campaign, "told", ["accounts_changed"])

    @pytest.mark.parametrize("kind", [Unavailable.__name__, InDoubt.__name__])
    async def test_nothing_of_a_world_that_is_away(self, stage: Stage, kind: str) -> None:
        campaign = await stage.start_listener(names.campaign(CAMPAIGN))
        error = fails(ApplicationError("away", type=kind, non_retryable=True))
        stage.actions.script(*[error] * (options.ERRORS_IN_A_ROW + 2))
        await stage.start_run()
        await stage.env.sleep(timedelta(minutes=5))
        await eventually_in(campaign, "told", ["accounts_changed"])

    async def test_a_campaign_that_is_not_there_is_no_error(self, stage: Stage) -> None:
        run = await stage.start_run()
        await rests_for(run, Why.QUEUE_EMPTY)


def _open_on(queue: str) -> Opened:
    return Opened(queue, fence=1)
