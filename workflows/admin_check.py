"""What an owner's accounts may do at a destination, all asked in parallel: before a campaign, and on its own."""

import asyncio
from dataclasses import dataclass, replace

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.accounts import AccountActivities, ListRequest, OpenRequest
    from domain.ports import AccountRights
    from workflows import options, visits


@dataclass(frozen=True)
class AdminCheck:
    """Check `account_ids` (None: all of the owner's on the platform) at `destination`.

    With `campaign_id` the accounts stay open for it, and their rights are written down there; without a destination
    they only sign in. `listed`: `account_ids` are known to be there; `rights`: of those before them. Both are carried
    over continue-as-new: thousands of accounts have more history than one run may.
    """

    owner: str
    platform: str
    adapter: str
    destination: str
    account_ids: tuple[str, ...] | None = None
    campaign_id: str = ""
    listed: bool = False
    rights: tuple[AccountRights, ...] = ()


@workflow.defn
class AdminCheckWorkflow:
    """`admin-check/{owner}/{id}`: its result is the list of rights. Or a campaign's preflight: what it finds stands in
    the database, and its result is empty."""

    @workflow.run
    async def run(self, check: AdminCheck) -> list[AccountRights]:
        """Ask all accounts, a bounded number at once."""
        known = check.listed or bool(check.campaign_id)
        left = (check.account_ids or ()) if known else await _list(check)
        rights = check.rights
        while left:
            chunk, left = left[: options.CHECKS_AT_ONCE], left[options.CHECKS_AT_ONCE :]
            found = await asyncio.gather(*(_check(check, account_id) for account_id in chunk))
            if not check.campaign_id:
                rights += tuple(found)
            if left and workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(replace(check, account_ids=left, listed=True, rights=rights))
        return list(rights)


async def _list(check: AdminCheck) -> tuple[str, ...]:
    request = ListRequest(check.owner, check.platform, check.adapter, check.account_ids)
    found: list[str] = await workflow.execute_activity_method(AccountActivities.list_accounts, request, **options.LIST)
    return tuple(found)


async def _check(check: AdminCheck, account_id: str) -> AccountRights:
    request = OpenRequest(check.owner, check.adapter, account_id, check.platform, check.campaign_id, check.destination)
    opened = await visits.opened(request)
    if opened.queue and not check.campaign_id:
        await visits.let_go(request, opened.queue)
    return opened.rights or AccountRights(account_id, can_invite=False, reason=opened.why.value)
