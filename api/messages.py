"""`/messages`: looked at before they are sent, and tried on oneself."""

from collections.abc import Sequence

from fastapi import APIRouter, Response, status

from adapters.registry import platform
from api.auth import Caller
from api.campaigns import MADE_BEFORE, Creation, IdempotencyKey
from api.dependencies import Asked, Now, Services, With, require_known_accounts
from api.identifiers import read_one
from api.problems import responses
from api.schemas.campaigns import CampaignOut
from api.schemas.messages import HintOut, PreviewIn, PreviewOut, RenderedOut, TestIn
from api.written import asked_for, checked, checked_for_one, who
from domain.audit import Event
from domain.errors import Invalid
from domain.links import has_link
from domain.message import Message, choose
from domain.platform import DRY_RUN, Action
from domain.rendering import length
from domain.request import check, check_audience
from domain.terms import HIGHEST, Pace, Terms
from storage.campaigns import NewCampaign
from storage.messages import Crowd, Listed
from storage.test_messages import NO_AUDIENCE, ToOneself
from workflows.tracing import to_the_end

router = APIRouter(prefix="/messages", tags=["messages"])


@router.post("/preview", responses=responses("not-found", "invalid"), summary="Look at a message")
async def preview(body: PreviewIn, asked: Asked, found: With) -> PreviewOut:
    """A message as people of an audience would get it, checked as for a campaign. Nothing is sent."""
    chosen = platform(body.platform)
    message = asked_for(body.message, chosen)
    if message.is_empty:
        raise Invalid("message.texts", "Give the text that is to be looked at, or the post to forward.")
    audience = await found.audiences.get(asked.owner, body.audience_id)
    check_audience(audience.stored, audience.state)
    written = await checked(found, asked.owner, Crowd(body.audience_id), message, chosen)
    people = await found.messages.people(asked.owner, Crowd(body.audience_id), body.after, body.count)
    return PreviewOut(
        budget=written.budget.value,
        longest=written.longest,
        allowed=chosen.capabilities.message_length,
        hints=[HintOut.of(each) for each in written.hints],
        items=_rendered(message, people, str(body.audience_id)),
        next=people[-1].person.position if len(people) == body.count else None,
    )


def _rendered(message: Message, people: Sequence[Listed], seed: str) -> list[RenderedOut]:
    """As one account would write to them one after another."""
    last: int | None = None
    items = []
    for each in people:
        written = None if message.post else choose(message, each.person, seed, last)
        text = None if written is None else written.text
        last = None if written is None else written.fingerprint
        items.append(
            RenderedOut(
                position=each.person.position,
                line=each.line,
                recipient=who(each.person),
                text=text,
                length=length(text or ""),
                has_link=text is not None and has_link(text),
            )
        )
    return items


@router.post(
    "/test",
    status_code=status.HTTP_201_CREATED,
    responses=MADE_BEFORE | responses("forbidden-now", "invalid"),
    summary="Send a test to yourself",
)
async def send_test(
    body: TestIn,
    response: Response,
    asked: Asked,
    found: With,
    now: Now,
    idempotency_key: IdempotencyKey = None,
) -> CampaignOut:
    """Send a message to an identifier of your own, through one account.

    It is a campaign of one recipient: paid from the account's limits, sent at most once, waiting where others would
    wait. Its `Location` tells what became of it, and it can be cancelled like any other.
    """
    creation = Creation(Event.TEST_MESSAGE, body, idempotency_key, {"account_id": body.account_id})
    with to_the_end():
        return await creation.answer(lambda: _checked(body, asked, found), response, asked, found, now)


async def _checked(body: TestIn, asked: Caller, found: Services) -> NewCampaign:
    chosen = platform(body.platform)
    contact = read_one(body.to, "to")._replace(fields=body.fields)
    message = asked_for(body.message, chosen)
    check(Action.MESSAGE, "", message, False, False, chosen.capabilities)
    written = checked_for_one(message, contact, chosen)
    await require_known_accounts(found, asked, body.platform, [body.account_id])
    return NewCampaign(
        name="Test message",
        platform=body.platform,
        adapter=DRY_RUN if body.dry_run else body.platform,
        audience_id=NO_AUDIENCE,
        action=Action.MESSAGE,
        destination="",
        message=message,
        message_budget=written.budget,
        message_hints=written.hints,
        message_when_refused=False,
        account_ids=[body.account_id],
        start=True,
        reaches=chosen.capabilities.reaches,
        terms=Terms(HIGHEST, Pace.FAST),  # its sender waits for it
        test=ToOneself(contact, found.settings.tests_per_hour),
    )
