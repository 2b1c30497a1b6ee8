"""People within the request for a campaign: they become an audience, cleaned as a file is."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from api.dependencies import Services
from api.schemas.campaigns import NewCampaignIn
from domain.audience import FileError
from domain.errors import Invalid
from domain.sentences import sentence
from storage.audiences import StoredAudience
from storage.files.sources import Overrides, Source


@asynccontextmanager
async def audience_of(body: NewCampaignIn, owner: str, found: Services, now: datetime) -> AsyncIterator[UUID]:
    """The audience that the request names, or one of its own people, which goes if the campaign does not come to be.

    Raises `Invalid`.
    """
    if (body.audience_id is None) == (body.recipients is None):
        raise Invalid("audience_id", "Give either `audience_id` or `recipients`.")
    if body.audience_id is not None:
        yield body.audience_id
        return
    made = await _stored(body, owner, found, now)
    try:
        yield made.id
    except BaseException:
        await found.audiences.delete(owner, made.id)
        raise


async def _stored(body: NewCampaignIn, owner: str, found: Services, now: datetime) -> StoredAudience:
    people, most = body.recipients or [], found.settings.max_inline
    if not people:
        raise Invalid("recipients", "The list is empty.")
    if len(people) > most:
        raise Invalid("recipients", f"There are {len(people)}; {most} are allowed here. Upload them: POST /audiences.")
    try:
        file = io.BytesIO(json.dumps(people).encode())
        source = await asyncio.to_thread(Source, file, Overrides(encoding="utf-8"), found.settings.file_limits)
        try:
            made = await found.audiences.store(owner, body.name, source.lines(), now, most)
        finally:
            source.close()
    except FileError as error:
        raise Invalid("recipients", str(error)) from None
    if not made.stored:
        await found.audiences.delete(owner, made.id)
        why = " ".join(sentence(reason)["en"] for reason in made.reasons)
        raise Invalid("recipients", f"Nobody in this list can be told to be a person. {why}")
    return made
