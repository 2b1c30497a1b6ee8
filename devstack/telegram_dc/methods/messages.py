"""messages.sendMessage to people."""

from hashlib import sha256
from typing import Any

from telethon.tl import types

from devstack.telegram_dc.errors import RpcError
from devstack.telegram_dc.faults import is_limited
from devstack.telegram_dc.journal import Message
from devstack.telegram_dc.methods.context import Answer, Context
from devstack.telegram_dc.scenario import Person

MAX_TEXT_CHARACTERS = 4096


def send_message(call: Context, request: Any) -> Answer:
    """messages.sendMessage. A random_id that this account used before is a duplicate, and sends nothing."""
    person = call.person(request.peer, "PEER_ID_INVALID")
    _check_text(request.message)
    check_delivery(call, person, [request.random_id], request.allow_paid_stars or 0)
    call.effect(_message(call, person, request))
    return types.UpdateShortSentMessage(id=call.account.pts, pts=call.account.pts, pts_count=1, date=call.now, out=True)


def check_delivery(call: Context, person: Person, random_ids: list[int], stars: int) -> None:
    """RpcError if something with these random_ids cannot be delivered to the person for so many stars."""
    if any(call.world.knows_random_id(call.account.name, random_id) for random_id in random_ids):
        raise RpcError(500, "RANDOM_ID_DUPLICATE")
    if is_limited(call.account, call.now) and call.is_stranger(person):
        raise RpcError(400, "PEER_FLOOD")
    if refusal := _refusal(call, person, stars // len(random_ids)):
        raise refusal


def _check_text(text: str) -> None:
    if not text.strip():
        raise RpcError(400, "MESSAGE_EMPTY")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise RpcError(400, "MESSAGE_TOO_LONG")


def _refusal(call: Context, person: Person, stars: int) -> RpcError | None:
    if person.deleted:
        return RpcError(400, "INPUT_USER_DEACTIVATED")
    if person.message == "blocked":
        return RpcError(400, "USER_IS_BLOCKED")
    if not call.is_stranger(person):
        return None  # privacy, premium and prices are for those who are not among the person's contacts
    if person.message == "refuses_privacy":
        return RpcError(403, "USER_PRIVACY_RESTRICTED")
    if person.reads_for_premium and not call.account.account.premium:
        return RpcError(403, "PRIVACY_PREMIUM_REQUIRED")
    if person.message == "paid" and stars < person.paid_stars:
        return RpcError(403, f"ALLOW_PAYMENT_REQUIRED_{person.paid_stars}")
    return None


def _message(call: Context, person: Person, request: Any) -> Message:
    return Message(
        at=call.now,
        to_user=person.user_id,
        by=call.account.name,
        random_id=request.random_id,
        text=request.message,
        text_hash=sha256(request.message.encode()).hexdigest(),
        preview=not request.no_webpage,
    )
