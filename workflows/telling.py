"""What workflows tell campaigns by signals."""

import asyncio
from collections.abc import Sequence

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows import names, options


async def accounts_changed(campaign_ids: Sequence[str]) -> None:
    """Have these campaigns look at their accounts and numbers again; those that do not run need not be told."""
    for begin in range(0, len(campaign_ids), options.SIGNALS_AT_ONCE):
        chunk = campaign_ids[begin : begin + options.SIGNALS_AT_ONCE]
        found = [workflow.get_external_workflow_handle(names.campaign(each)) for each in chunk]
        await asyncio.gather(*(each.signal("accounts_changed") for each in found), return_exceptions=True)
