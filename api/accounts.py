"""`/accounts`: the owner's accounts, as integration-service lists them and as we found them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from adapters.registry import platform as known_platform
from api.dependencies import Asked, Now, With, have_looked
from api.problems import responses
from api.schemas.accounts import AccountOut, AccountsOut
from domain.audit import Event

router = APIRouter(prefix="/accounts", tags=["accounts"])


@router.get("", responses=responses("invalid"), summary="The accounts")
async def accounts(
    asked: Asked,
    found: With,
    now: Now,
    platform: Annotated[str, Query(min_length=1, max_length=50, examples=["telegram"])],
) -> AccountsOut:
    """Your accounts on a platform: what integration-service says of each, and how we found it."""
    known_platform(platform)
    listed = await found.integration.accounts(asked.owner, platform, asked.token)
    met = {each.account_id: each for each in await found.accounts.of(asked.owner, platform)}
    return AccountsOut(items=[AccountOut.of(each, met.get(each.account_id), now) for each in listed])


@router.post("/{account_id}/enable", responses=responses("not-found", "invalid"), summary="End a block or rest")
async def enable(
    account_id: Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")],
    asked: Asked,
    found: With,
    now: Now,
) -> AccountOut:
    """End our block of an account, or its rest; a wait that the platform named goes on. Repeated: no change."""
    account = await found.accounts.enable(asked.owner, account_id, now, asked.act(Event.ACCOUNT_ENABLED, now))
    await have_looked(found, await found.accounts.live_campaigns(asked.owner, account_id))
    return AccountOut.met(account, now)
