"""messages.sendMessage to people."""

from hashlib import sha256
from typing import Any

from telethon.tl import types

from devstack.telegram_dc.errors import RpcError
from devstack.telegram_dc.faults import is_limited
from devstack.telegram_dc.journal import Message
from devstack.telegram_dc.methods.context import Answer, Context
from devstack.telegram_dc.methods.views import PAID_MESSAGE_STARS
from devstack.telegram_dc.scenario import Person

MAX_TEXT_CHARACTERS = 4096


def send_message(call: Context, request: Any) -> Answer:
    """messages.sendMessage. A random_id that this account used before is a duplicate, and sends nothing."""
    person = call.person(request.peer, "PEER_ID_INVALID")
    _check_text(request.message)
    if request.random_id in call.account.sent:
        raise RpcError(500, "RANDOM_ID_DUPLICATE")
    if is_limited(call.account, call.now) and call.is_stranger(person):
        raise RpcError(400, "PEER_FLOOD")
    if refusal := _refusal(call, person, request.allow_paid_stars or 0):
        raise refusal
    call.effect(_message(call, person, request))
    return types.UpdateShortSentMessage(
        id=call.account.pts, pts=call.account.pts, pts_count=1, date=call.now, out=True
    )


def _check_text(text: str) -> None:
    if not text.strip():
        raise RpcError(400, "MESSAGE_EMPTY")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise RpcError(400, "MESSAGE_TOO_LONG")


def _refusal(call: Context, person: Person, stars: int) -> RpcError | None:
    if person.deleted:
        return RpcError(400, "INPUT_USER_DEACTIVATED")
    if not call.is_stranger(person) and person.message != "blocked":
        return None  # privacy, premium and prices are for those who are not among the person's contacts
    match person.message:
        case "blocked":
            return RpcError(400, "USER_IS_BLOCKED")
        case "refuses_privacy":
            return RpcError(403, "USER_PRIVACY_RESTRICTED")
        case "premium_only":
            return RpcError(403, "PRIVACY_PREMIUM_REQUIRED")
        case "paid" if stars < PAID_MESSAGE_STARS:
            return RpcError(403, f"ALLOW_PAYMENT_REQUIRED_{PAID_MESSAGE_STARS}")
    return None


def _message(call: Context, person: Person, request: Any) -> Message:
    return Message(
        at=call.now,
        to_user=person.user_id,
        by=call.account.name,
        random_id=request.random_id,
        text=request.message,
        text_hash=sha256(request.message.encode()).hexdigest(),
    )
