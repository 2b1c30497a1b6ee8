"""`/plan`, and a campaign's: how fast it goes and when it ends, before it starts and while it runs (LIM-2)."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog
from fastapi import APIRouter

from adapters.registry import platform
from api.auth import Caller
from api.dependencies import Asked, Now, Services, With
from api.problems import responses
from api.schemas.plan import PlanIn, PlanOut
from api.written import asked_for, checked
from domain.account import KnownAccount
from domain.campaign import ENDS, Wanted
from domain.crews import Request, works
from domain.errors import Forbidden, Invalid, Unavailable
from domain.members import members
from domain.message import Message, budget
from domain.notes import Note
from domain.plan import plan
from domain.platform import DRY_RUN, Action, Budget, Identifier
from domain.rendering import Column, placeholders
from domain.request import check, check_accounts, check_audience, check_message
from domain.template import parse
from domain.terms import Terms
from domain.terms import check as check_terms
from storage.messages import Crowd
from storage.planning import Known, Started

router = APIRouter(tags=["campaigns"])

_log = structlog.get_logger("execution")


@router.post("/plan", responses=responses("not-found", "invalid"), summary="Plan a campaign that is not made yet")
async def without_campaign(body: PlanIn, asked: Asked, found: With, now: Now) -> PlanOut:
    """How fast such a campaign would go and when it would end. Nothing is stored."""
    adapter = DRY_RUN if body.dry_run else body.platform
    paid_from = await _budget(body, _check(body), asked, found)
    limits = found.limits().of(adapter)
    terms = body.terms(Terms())
    check_terms(terms, limits)
    people = await _people(body, asked, found)
    met = await found.planning.accounts(asked.owner, adapter, now)
    listed = await _listed(found, asked, body.platform, met)
    if listed is not None:
        check_accounts({each.account_id for each in listed}, body.account_ids)
    first = Action.ADD_CONTACT if body.add_contact_first else body.action
    request = Request(
        now=now,
        limits=limits,
        terms=terms,
        members=members({each.member.account_id: each.member for each in met}, listed, body.account_ids),
        work=works(
            body.action,
            body.add_contact_first,
            body.message_when_refused,
            paid_from,
            {(first, lane): n for lane, n in people.items()},
        ),
    )
    return await _planned(request, met, [], assumed=True, listed=listed)


@router.get(
    "/invite/{campaign_id}/plan",
    responses=responses("not-found", "forbidden-now", "invalid"),
    summary="How fast it will go, and when it will end",
)
async def of_campaign(campaign_id: UUID, asked: Asked, found: With, now: Now) -> PlanOut:
    """The plan for everybody who is left, from what the accounts have spent and how they stand now.

    A draft is planned as though it were started now, a paused one as though it went on now.
    """
    started = await found.planning.campaign(asked.owner, campaign_id, now)
    campaign = started.campaign
    if campaign.phase in ENDS or campaign.wanted in (Wanted.CANCELLED, Wanted.FINISHED):
        raise Forbidden("The campaign has ended: there is nothing left to plan.")
    listed = await _listed(found, asked, campaign.platform, started.accounts)
    request = started.request(found.limits().of(campaign.adapter), listed, now)
    return await _planned(
        request, started.accounts, _standing(started), assumed=started.refusals is None, listed=listed
    )


def _standing(started: Started) -> list[Note]:
    """What the campaign itself waits for."""
    if started.campaign.wanted is Wanted.NONE:
        return [Note.AS_IF_STARTED]
    held = started.campaign.wanted is Wanted.PAUSED or started.campaign.waits_for_word is not None
    return [Note.WAITS_FOR_OWNER] if held else []


async def _planned(
    request: Request, met: Sequence[Known], noted: list[Note], *, assumed: bool, listed: Sequence[KnownAccount] | None
) -> PlanOut:
    working = {each.account_id for each in request.members if each.works}
    known = {each.member.account_id: each for each in met}
    if any(known[each].shared for each in working & set(known)):
        noted.append(Note.OTHER_CAMPAIGNS)
    if request.inviting and not all(each in known and known[each].right_known for each in working):
        noted.append(Note.RIGHTS_UNKNOWN)
    if request.falls_back and assumed:
        noted.append(Note.REFUSALS_ASSUMED)
    if listed is None:
        noted.append(Note.ACCOUNTS_LIST_AWAY)
    # A second of computing, for the largest: other requests must not wait for it.
    return PlanOut.of(await asyncio.to_thread(plan, request), noted)


def _check(body: PlanIn) -> Message:
    """The message. Raises `Invalid` for what could not be asked of a campaign; much of it may still be missing."""
    chosen = platform(body.platform)
    destination = chosen.destination(body.destination) if body.destination else "-"
    message = asked_for(body.message, chosen)
    asked = Message(("-",)) if message.is_empty else message
    check(body.action, destination, asked, body.message_when_refused, body.add_contact_first, chosen.capabilities)
    if (body.recipients is None) == (body.audience_id is None):
        raise Invalid("recipients", "Give either the number of recipients or an audience.")
    return message


async def _budget(body: PlanIn, message: Message, asked: Caller, found: Services) -> Budget:
    """What messages are paid from; of people who are not known, a column may hold anything but a link."""
    if message.is_empty:
        return Budget.MESSAGE
    if body.audience_id is not None:
        return (await checked(found, asked.owner, Crowd(body.audience_id), message, platform(body.platform))).budget
    check_message(message)
    used = {each.column for text in message.texts for each in placeholders(parse(text))}
    return budget(message, dict.fromkeys(used, Column(0, True)))


async def _people(body: PlanIn, asked: Caller, found: Services) -> Mapping[Identifier, int]:
    if body.audience_id is None:
        return {Identifier.USERNAME: body.recipients or 0}
    people = await found.planning.audience(asked.owner, body.audience_id)
    check_audience(sum(people.values()))
    return people


async def _listed(found: Services, asked: Caller, name: str, met: Sequence[Known]) -> Sequence[KnownAccount] | None:
    """The owner's list; None while it cannot be read. Raises `Unavailable` where nothing can be said without it."""
    try:
        return await found.integration.accounts(asked.owner, name, asked.token)
    except Unavailable as error:
        if not met:
            raise
        _log.warning("accounts_not_listed", owner=asked.owner, what=error.what)
        return None
