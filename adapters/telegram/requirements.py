"""What people ask of strangers who write to them, known before anything is sent."""

from collections.abc import Mapping, Sequence

from telethon.tl import functions, types

from adapters.telegram.errors import Doing
from adapters.telegram.people import Known, People
from adapters.telegram.questions import Questions
from domain.outcome import Kind, Outcome, Reason
from domain.recipient import Person

BATCH = 100
"""People asked about in one request, as many as Telegram takes."""

_WANTED = {
    types.RequirementToContactPremium: Outcome(Kind.REFUSED, Reason.NEEDS_PREMIUM),
    types.RequirementToContactPaidMessages: Outcome(Kind.REFUSED, Reason.NEEDS_PAYMENT),
}


async def requirements(questions: Questions, people: People, asked: Sequence[Person]) -> Mapping[int, Outcome | None]:
    """Who wants Premium or payment, by position; None: nothing. Left out: who is not known without a lookup."""
    wanted: dict[int, Outcome | None] = {}
    for start in range(0, len(asked), BATCH):
        known = await people.known(asked[start : start + BATCH])
        wanted |= await _of(questions, list(known.items()))
    return wanted


async def _of(questions: Questions, known: Sequence[tuple[int, Known]]) -> dict[int, Outcome | None]:
    if not known:
        return {}
    request = functions.users.GetRequirementsToContactRequest([each.user for _, each in known])
    answer = await questions.ask(request, Doing.READ)
    if not isinstance(answer, Outcome):
        return {position: _WANTED.get(type(each)) for (position, _), each in zip(known, answer, strict=False)}
    if answer.kind is not Kind.UNREACHABLE or len(known) == 1:
        return {}  # what is wrong with the account shows when it acts
    # One stale address spoils the answer for all of them.
    half = len(known) // 2
    return await _of(questions, known[:half]) | await _of(questions, known[half:])
