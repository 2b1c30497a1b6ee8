"""An account visited to look at something: opened wherever it can be, or where another worker holds it; then let go."""

from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.accounts import AccountActivities, CloseRequest, Opened, OpenRequest
    from domain.why import Why
    from workflows import options


async def opened(request: OpenRequest) -> Opened:
    """The account, open, or why it is not."""
    try:
        found: Opened = await workflow.execute_activity_method(AccountActivities.open_account, request, **options.OPEN)
    except ActivityError:
        found = Opened(why=Why.OWN_ERROR)
    return await _opened_there(found, request) if found.queue and not found.fence else found


async def _opened_there(held: Opened, request: OpenRequest) -> Opened:
    """Another worker holds the account: ask through that one."""
    try:
        return await workflow.execute_activity_method(
            AccountActivities.open_account, request, **options.on(held.queue, options.OPEN_THERE)
        )
    except ActivityError:
        return replace(held, queue="", why=Why.ACCOUNT_ELSEWHERE)


async def let_go(visited: OpenRequest, queue: str) -> None:
    """This workflow does not need the account any more: it is closed unless a campaign uses it."""
    request = CloseRequest(visited.owner, visited.adapter, visited.account_id, workflow.info().workflow_id)
    try:
        await workflow.execute_activity_method(
            AccountActivities.close_account, request, **options.on(queue, options.CLOSE)
        )
    except ActivityError:
        workflow.logger.info("account not closed; its lease ends by itself")
