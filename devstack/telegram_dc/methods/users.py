"""users.*: look people up, and ask what it takes to write to them."""

from typing import Any

from telethon.tl import types

from devstack.telegram_dc.errors import RpcError
from devstack.telegram_dc.methods import views
from devstack.telegram_dc.methods.context import Answer, Context


def get_users(call: Context, request: Any) -> Answer:
    """users.getUsers; with InputUserSelf it tells whether the account is well.

    Telegram documents no error for a foreign access hash here: who cannot be reached comes back empty.
    """
    return [_user(call, peer) for peer in request.id]


def get_requirements_to_contact(call: Context, request: Any) -> Answer:
    """users.getRequirementsToContact: one answer for each, in the same order."""
    return [_requirement(call, peer) for peer in request.id]


def _user(call: Context, peer: Any) -> Answer:
    try:
        return views.user(call, call.person(peer, "USER_ID_INVALID"))
    except RpcError:
        return types.UserEmpty(getattr(peer, "user_id", 0))


def _requirement(call: Context, peer: Any) -> Answer:
    person = call.person(peer, "USER_ID_INVALID")
    if not call.is_stranger(person):
        return types.RequirementToContactEmpty()
    if person.reads_for_premium and not call.account.account.premium:
        return types.RequirementToContactPremium()
    if person.message == "paid":
        return types.RequirementToContactPaidMessages(person.paid_stars)
    return types.RequirementToContactEmpty()
