"""Why a person cannot be added to a chat, said as an error."""

from devstack.telegram_dc.chats import ChatState
from devstack.telegram_dc.errors import RpcError
from devstack.telegram_dc.methods.context import Context
from devstack.telegram_dc.scenario import Person

_BY_POLICY = {
    "refuses": (403, "USER_PRIVACY_RESTRICTED"),
    "too_many_channels": (403, "USER_CHANNELS_TOO_MUCH"),
    "blocked": (400, "USER_BLOCKED"),
    "not_mutual": (403, "USER_NOT_MUTUAL_CONTACT"),
}


def refusal(call: Context, state: ChatState, person: Person) -> RpcError | None:
    """The error with which Telegram refuses to add this person; None if it does not."""
    if person.deleted:
        return RpcError(400, "INPUT_USER_DEACTIVATED")
    if person.bot and state.chat.kind == "channel":
        return RpcError(400, "USER_BOT")
    basic = state.chat.kind == "basic"
    if state.has_kicked(person):
        return RpcError(400, "CHAT_MEMBER_ADD_FAILED" if basic else "USER_KICKED")
    if person.user_id in state.left and not _may_bring_back(call, state, person):
        return RpcError(403, "USER_NOT_MUTUAL_CONTACT")
    return _by_basic_policy(call, person) if basic else _by_policy(call, person)


def _by_policy(call: Context, person: Person) -> RpcError | None:
    if person.invite == "not_mutual" and call.is_mutual(person):
        return None
    known = _BY_POLICY.get(person.invite)
    return RpcError(*known) if known else None


def _by_basic_policy(call: Context, person: Person) -> RpcError | None:
    """The same in messages.addChatUser, which has another word for blocked; channels do not count here."""
    if person.invite == "blocked":
        return RpcError(400, "USER_IS_BLOCKED")
    return None if person.invite == "too_many_channels" else _by_policy(call, person)


def _may_bring_back(call: Context, state: ChatState, person: Person) -> bool:
    """Who left a group comes back by a mutual contact only; to a channel, by somebody in their contacts."""
    if state.chat.kind == "channel":
        return call.account.name in person.knows
    return call.is_mutual(person)
