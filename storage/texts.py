"""The words of a turn: drawn once, under the account's lock, and written again the same for every retry.

An attempt keeps its draw and the campaign's revision; a retry, here or after a hand-over, renders the words of that
revision, whatever the owner has written since: Telegram drops a repetition, but if the first call was never carried
out, what is sent must still be what the attempt stands for.
"""

from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountRef
from domain.message import Message, Written, choose, write
from domain.platform import Action
from domain.turn import Turn, TurnKey
from storage.accounts import key

T = TypeVar("T")

_KEEP = text("""
    INSERT INTO campaign_message (campaign_id, revision, owner, texts, post)
    SELECT id, revision, owner, texts, post FROM campaign WHERE id = :campaign
    ON CONFLICT (campaign_id, revision) DO NOTHING
""")

_DRAWN = text("SELECT slot, draw, revision FROM attempt WHERE turn_id = :turn AND state <> 'settled'")

_MESSAGE = text("""
    SELECT texts, post FROM campaign_message
    WHERE campaign_id = :campaign AND revision <= :revision ORDER BY revision DESC LIMIT 1
""")

# A text that was drawn but not sent does not count: whether the latest turn's was is known now that it is closed.
_LAST = text("""
    SELECT coalesce((SELECT a.rendering FROM attempt a
                     WHERE a.turn_id = l.turn_id AND a.sent_at IS NOT NULL ORDER BY a.slot DESC LIMIT 1), l.rendering)
    FROM last_text l WHERE l.owner = :owner AND l.adapter = :adapter AND l.account_id = :account_id
""")

_REMEMBER = text("""
    INSERT INTO last_text (owner, adapter, account_id, turn_id, rendering)
    VALUES (:owner, :adapter, :account_id, :turn, :rendering)
    ON CONFLICT (owner, adapter, account_id)
    DO UPDATE SET turn_id = excluded.turn_id, rendering = excluded.rendering
""")

_DRAW = text("UPDATE attempt SET draw = :draw, rendering = :rendering WHERE turn_id = :turn AND slot = :slot")


async def keep(tx: AsyncConnection, campaign_id: UUID) -> None:
    """Write down what the campaign sends from its present revision on. To be called wherever that is changed."""
    await tx.execute(_KEEP, {"campaign": campaign_id})


async def addressed(tx: AsyncConnection, by: TurnKey, begun: Turn | T) -> Turn | T:
    """The turn with what each of its people is sent. The account's row is locked; what is no message stays as it is."""
    if not isinstance(begun, Turn) or begun.action is not Action.MESSAGE or not begun.attempts:
        return begun
    rows = (await tx.execute(_DRAWN, {"turn": begun.turn_id})).mappings().all()
    message = await _message(tx, by.campaign_id, max(row["revision"] for row in rows))
    if message.post:
        return replace(begun, post=message.post)
    drawn = {row["slot"]: row["draw"] for row in rows}
    if None in drawn.values():
        written = await _draw(tx, by, begun, message)
    else:
        written = {each.slot: write(message, each.person, by.campaign_id, drawn[each.slot]) for each in begun.attempts}
    attempts = tuple(replace(each, text=written[each.slot].text) for each in begun.attempts)
    return replace(begun, attempts=attempts)


async def _message(tx: AsyncConnection, campaign_id: str, revision: int) -> Message:
    row = (await tx.execute(_MESSAGE, {"campaign": campaign_id, "revision": revision})).mappings().one()
    return Message(tuple(row["texts"]), row["post"])


async def _draw(tx: AsyncConnection, by: TurnKey, turn: Turn, message: Message) -> dict[int, Written]:
    """A text for each, none like the one before it: the account's last one, then the turn's own in their order."""
    before = last = await _last(tx, by.ref)
    written: dict[int, Written] = {}
    for each in turn.attempts:
        written[each.slot] = choose(message, each.person, by.campaign_id, last)
        last = written[each.slot].fingerprint
    drawn = [
        {"turn": turn.turn_id, "slot": slot, "draw": each.draw, "rendering": each.fingerprint}
        for slot, each in written.items()
    ]
    await tx.execute(_DRAW, drawn)
    await tx.execute(_REMEMBER, key(by.ref) | {"turn": turn.turn_id, "rendering": before})
    return written


async def _last(tx: AsyncConnection, ref: AccountRef) -> int | None:
    last: int | None = await tx.scalar(_LAST, key(ref))
    return last
