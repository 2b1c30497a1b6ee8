"""Timeouts and retries: every number of the workflows has its name and its unit here."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.workflow import ActivityCancellationType, ActivityConfig

with workflow.unsafe.imports_passed_through():
    from activities.actions import LAST_TRY

HEARTBEAT = timedelta(seconds=5)
WORKER_QUEUE_SCHEDULE_TO_START = timedelta(seconds=3)
"""A worker that does not take its own queue's task within this is taken for gone."""

RUN_TASK = timedelta(seconds=5)
"""A task of an account's run that its worker did not finish within this goes to another one. With the wait for the dead
worker's own queue and `REOPEN_PAUSE` that is less than what is left of a lease at least (CONTRACTS, Times)."""

DATABASE: ActivityConfig = {
    "start_to_close_timeout": timedelta(seconds=90),
    "heartbeat_timeout": HEARTBEAT,
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=500),
        maximum_interval=timedelta(seconds=10),
        non_retryable_error_types=["NotFound"],
    ),
}
"""Work in our database or with integration-service: repeated until it succeeds, and soon where its worker died."""

OPEN: ActivityConfig = {
    "start_to_close_timeout": timedelta(seconds=60),
    "heartbeat_timeout": HEARTBEAT,
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(seconds=10),
        maximum_attempts=10,
        non_retryable_error_types=["NotFound"],
    ),
}
"""Signing an account in: what keeps it from that is an answer; only our database, or an error of ours, can fail it."""

OPEN_THERE: ActivityConfig = {
    "start_to_close_timeout": timedelta(seconds=60),
    "heartbeat_timeout": HEARTBEAT,
    "schedule_to_start_timeout": WORKER_QUEUE_SCHEDULE_TO_START,
    "retry_policy": RetryPolicy(maximum_attempts=1),
}
"""The same on the queue of the worker that holds the account: if that one is gone, the run waits for the lease."""

ACTION: ActivityConfig = {
    "start_to_close_timeout": timedelta(minutes=3),
    "schedule_to_start_timeout": WORKER_QUEUE_SCHEDULE_TO_START,
    "heartbeat_timeout": HEARTBEAT,
    "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(seconds=30),
        maximum_attempts=LAST_TRY,
        non_retryable_error_types=["TemporalTimeout:Heartbeat"],  # Temporal's name for it
    ),
}
"""Turns on the queue of the worker that holds the account. A repetition is given the same turn; but none is asked of a
worker that fell silent, which would cost another `WORKER_QUEUE_SCHEDULE_TO_START`."""

LIST: ActivityConfig = {
    "start_to_close_timeout": timedelta(seconds=30),
    "heartbeat_timeout": HEARTBEAT,
    "retry_policy": RetryPolicy(maximum_attempts=3, non_retryable_error_types=["Forbidden"]),
}
"""Reading the accounts while somebody waits for the answer."""

CLOSE: ActivityConfig = {
    "start_to_close_timeout": timedelta(seconds=30),
    "schedule_to_start_timeout": WORKER_QUEUE_SCHEDULE_TO_START,
    "retry_policy": RetryPolicy(maximum_attempts=1),
}
"""Letting an account go: if its worker is gone, the lease ends by itself."""

LOOK: ActivityConfig = {
    "start_to_close_timeout": timedelta(minutes=2),
    "schedule_to_start_timeout": WORKER_QUEUE_SCHEDULE_TO_START,
    "heartbeat_timeout": HEARTBEAT,
    "retry_policy": RetryPolicy(maximum_attempts=1),
    "priority": Priority(priority_key=5),
}
"""A look at members, on the queue of the worker that holds the account, after all work that waits there. What it does
not manage the next round does."""
FETCH_PAGE: ActivityConfig = {
    "start_to_close_timeout": timedelta(seconds=60),
    "heartbeat_timeout": HEARTBEAT,
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)),
}
"""A page of parsing-service: asked for until it is back, however long that takes."""

FINISH_IMPORT: ActivityConfig = {
    "start_to_close_timeout": timedelta(minutes=15),
    "heartbeat_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)),
}
"""Cleaning a million rows takes a minute or two."""

DELIVERY: ActivityConfig = {**DATABASE, "priority": Priority(priority_key=5)}
"""Telling an owner's server, after all work that waits: one that answers slowly must not hold up accounts."""

HOUSEKEEPING: ActivityConfig = {
    "start_to_close_timeout": timedelta(minutes=10),
    "heartbeat_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(maximum_attempts=3),
}
"""What one round does not manage the next one does."""

STOPPING = timedelta(seconds=60)
"""So long a campaign that has ended waits for its accounts' runs to close their accounts."""

REOPEN_PAUSE = timedelta(seconds=1)
"""Before an account is opened again after its worker did not answer."""

ERRORS_IN_A_ROW = 10
"""So many failures of our own code in a row end the campaign as failed, instead of repeating for ever."""

REVIEW_SHORTEST = timedelta(seconds=1)
REVIEW_LONGEST = timedelta(seconds=60)
"""How often a running campaign is looked at: more often while much changes."""

REVIEW_PER_ACCOUNT = timedelta(milliseconds=1)
"""A campaign's accounts cannot have it reviewed more often than so long, for each of them, after the last review."""
REVIEW_PAUSE_WORTH_A_TIMER = timedelta(milliseconds=100)

LOOKS_AT_ONCE = 10
"""Accounts that look for members at the same time: a sender waits for so many of its application's requests at most."""

CHECKS_AT_ONCE = 50
STARTS_AT_ONCE = 25
SIGNALS_AT_ONCE = 500
STARTS_PER_RUN = 1_000
"""Pending activities, children and signals per run have hard limits at 2 000; these stay far below."""


def on(queue: str, config: ActivityConfig) -> ActivityConfig:
    """The same options, on the queue of one worker."""
    return {**config, "task_queue": queue}


def of(priority: int, config: ActivityConfig) -> ActivityConfig:
    """The same options, for a task of that priority. 0: of the priority with which the workflow was started."""
    return {**config, "priority": Priority(priority_key=priority or None)}
