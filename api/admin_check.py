"""`/admin-check`: which accounts may add people to a group or channel (ACT-3)."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Response, status

from adapters.registry import platform
from api.auth import Caller
from api.dependencies import Asked, Now, Services, With, patiently, require_known_accounts
from api.problems import responses
from api.schemas.accounts import AdminCheckIn, AdminCheckOut, RightsOut, words
from api.schemas.common import Advice, PreflightOut
from domain.audit import Event
from domain.outcome import Reason
from domain.ports import AccountRights
from domain.preflight import Look, preflight
from workflows.tracing import to_the_end

router = APIRouter(prefix="/admin-check", tags=["accounts"])

_NOT_YET: dict[int | str, dict[str, Any]] = {
    202: {"model": AdminCheckOut, "description": "Not finished yet: ask at its `Location`"}
}


@router.post("", responses={**_NOT_YET, **responses("invalid")}, summary="Check the accounts' rights")
async def check(body: AdminCheckIn, response: Response, asked: Asked, found: With, now: Now) -> AdminCheckOut:
    """Look at each account's rights at the destination; what takes longer is answered by its `Location`."""
    destination = platform(body.platform).destination(body.destination)
    await require_known_accounts(found, asked, body.platform, body.account_ids)
    check_id = uuid4()
    async with patiently(found.settings.temporal_timeout):
        with to_the_end():
            await found.control.start_admin_check(asked.owner, check_id, body.platform, destination, body.account_ids)
    await found.audit.record(asked.owner, asked.act(Event.ADMIN_CHECK, now), check_id)
    rights = await _rights_found(found, asked, check_id, found.settings.admin_check_wait)
    return _answer(check_id, rights, response)


@router.get(
    "/{check_id}",
    responses={**_NOT_YET, **responses("not-found", "invalid")},
    summary="An admin check's result",
)
async def result(check_id: UUID, response: Response, asked: Asked, found: With) -> AdminCheckOut:
    """What an admin check found."""
    rights = await _rights_found(found, asked, check_id, timedelta(0))
    return _answer(check_id, rights, response)


async def _rights_found(found: Services, asked: Caller, check_id: UUID, wait: timedelta) -> list[AccountRights] | None:
    async with patiently(wait + found.settings.temporal_timeout):
        return await found.control.admin_check(asked.owner, check_id, wait)


def _answer(check_id: UUID, rights: list[AccountRights] | None, response: Response) -> AdminCheckOut:
    if rights is None:
        response.status_code = status.HTTP_202_ACCEPTED
        response.headers["Location"] = f"/admin-check/{check_id}"
        return AdminCheckOut(id=check_id, finished=False, accounts=[])
    in_all = PreflightOut.of(preflight(map(_look, rights)))
    return AdminCheckOut(id=check_id, finished=True, in_all=in_all, accounts=[_rights(each) for each in rights])


def _look(rights: AccountRights) -> Look:
    """Whoever could not look has the reason of a wait."""
    checked = rights.can_invite or rights.reason in list(Reason)
    return Look(checked, rights.can_invite, rights.reason, rights.warnings)


def _rights(rights: AccountRights) -> RightsOut:
    return RightsOut(
        account_id=rights.account_id,
        can_invite=rights.can_invite,
        reason=rights.reason,
        text=words(rights.reason),
        title=rights.title,
        kind=rights.kind,
        members=rights.members,
        warnings=[Advice.of(code) for code in rights.warnings],
    )
