"""messages.*: invite links as those see them who may invite."""

import base64
from hashlib import sha256
from typing import Any

from telethon.tl import types

from devstack.telegram_dc.chats import ChatState, Importer
from devstack.telegram_dc.errors import RpcError
from devstack.telegram_dc.journal import Joined, LinkExported, LinkRevoked, RequestDismissed
from devstack.telegram_dc.methods import views
from devstack.telegram_dc.methods.context import Answer, Context
from devstack.telegram_dc.scenario import InviteLink

_MAX_USES = 99_999
_HASH_BYTES = 12


def export_chat_invite(call: Context, request: Any) -> Answer:
    """messages.exportChatInvite. A link that asks for approval cannot have a usage limit."""
    state = _managed(call, request.peer)
    ends = None if request.expire_date is None else int(request.expire_date.timestamp())
    if ends is not None and ends <= call.now.timestamp():
        raise RpcError(400, "EXPIRE_DATE_INVALID")
    limit = request.usage_limit
    if limit is not None and (request.request_needed or not 1 <= limit <= _MAX_USES):
        raise RpcError(400, "USAGE_LIMIT_INVALID")
    made = LinkExported(
        at=call.now,
        chat=state.chat.id,
        by=call.account.name,
        hash=_new_hash(call, state),
        title=request.title,
        usage_limit=limit,
        expire_date=ends,
        request_needed=bool(request.request_needed),
    )
    call.effect(made)
    return views.link(call, state, state.links[made.hash])


def edit_exported_chat_invite(call: Context, request: Any) -> Answer:
    """messages.editExportedChatInvite, as far as it revokes a link."""
    state = _managed(call, request.peer)
    link = _link_of(state, request.link)
    if request.revoked and not link.revoked:
        call.effect(LinkRevoked(call.now, state.chat.id, call.account.name, link.hash))
    return types.messages.ExportedChatInvite(views.link(call, state, state.links[link.hash]), users=[])


def get_chat_invite_importers(call: Context, request: Any) -> Answer:
    """messages.getChatInviteImporters: who came in by a link, or who waits; the latest first."""
    state = _managed(call, request.peer)
    link = _link_of(state, request.link) if request.link else None
    everybody = _waiting(state) if request.requested else state.importers
    chosen = [who for who in everybody if link is None or who.link == link.hash]
    page = _page(call, sorted(chosen, key=_place, reverse=True), request)
    return types.messages.ChatInviteImporters(
        count=len(chosen),
        importers=[_importer(call, who, bool(request.requested)) for who in page],
        users=[views.user(call, call.world.people[who.user]) for who in page if who.user in call.world.people],
    )


def hide_chat_join_request(call: Context, request: Any) -> Answer:
    """messages.hideChatJoinRequest: let somebody in who asked, or do not."""
    state = _managed(call, request.peer)
    person = call.person(request.user_id, "USER_ID_INVALID")
    asked = state.requests.get(person.user_id)
    if asked is None:
        raise RpcError(400, "HIDE_REQUESTER_MISSING")
    if request.approved:
        call.effect(Joined(call.now, state.chat.id, person.user_id, call.account.name, asked.link))
    else:
        call.effect(RequestDismissed(call.now, state.chat.id, person.user_id, call.account.name))
    return views.updates(call, people=[person], chats=[state])


def _managed(call: Context, peer: Any) -> ChatState:
    state = call.any_chat(peer, private_code=400)
    if not state.may_invite(call.account.name):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    return state


def _link_of(state: ChatState, address: str) -> InviteLink:
    link = state.links.get(address.rpartition("/")[2].removeprefix("+"))
    if link is None:
        raise RpcError(400, "INVITE_HASH_EXPIRED")
    return link


def _new_hash(call: Context, state: ChatState) -> str:
    digest = sha256(f"link:{call.world.seed}:{state.chat.id}:{len(state.links)}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:_HASH_BYTES]).decode("ascii")


def _waiting(state: ChatState) -> list[Importer]:
    return [Importer(user, asked.at, asked.link or "", None) for user, asked in state.requests.items()]


def _place(who: Importer) -> tuple[int, int]:
    return int(who.at.timestamp()), who.user


def _page(call: Context, everybody: list[Importer], request: Any) -> list[Importer]:
    """Those behind the offset, as many as are wanted."""
    since = int(request.offset_date.timestamp()) if request.offset_date else 0
    if since:
        offset = (since, getattr(request.offset_user, "user_id", 0))
        everybody = [who for who in everybody if _place(who) < offset]
    return everybody[: max(0, request.limit)]


def _importer(call: Context, who: Importer, waiting: bool) -> Answer:
    approver = call.world.accounts.get(who.approved_by or "")
    return types.ChatInviteImporter(
        user_id=who.user,
        date=who.at,
        requested=waiting or None,
        approved_by=approver.user_id if approver else None,
    )
