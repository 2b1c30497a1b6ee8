"""What an account may do in a group or channel, and what its owner should know of it beforehand."""

from typing import Any

from domain.outcome import Reason
from domain.ports import DestinationCheck, Right

CHANNEL, SUPERGROUP, FORUM, GROUP = "channel", "supergroup", "forum", "group"

MOST = {CHANNEL: 200, SUPERGROUP: 200_000, FORUM: 200_000, GROUP: 200}
"""Members up to whom people can be added (facts/market.md 0.5): a channel grows beyond it, but not by invites."""

NEARLY = 0.95
"""The part of that from which the owner is told."""


def by_right(admin_rights: Any) -> bool:
    """Whether an admin's rights let them add people."""
    return admin_rights is not None and bool(admin_rights.invite_users)


def by_custom(chat: Any) -> bool:
    """Whether every member may add people. Channels never let them, and say nothing of it."""
    banned = getattr(chat, "default_banned_rights", None)
    return banned is not None and not banned.invite_users


def judged(check: DestinationCheck, *, slow: bool) -> DestinationCheck:
    """The check, with what follows from the number of members."""
    right, reason, members = check.right, check.reason, check.members or 0
    most = MOST[check.kind]
    warnings = [Reason.SLOW_MODE] if slow else []
    if reason is Reason.JOIN_NEEDED:
        warnings.append(Reason.JOIN_NEEDED)
    if members >= most:
        past = check.kind == CHANNEL
        reason = Reason.CHANNEL_PAST_INVITES if past else Reason.DESTINATION_FULL
        right = Right.NONE
        # No account can add anybody there; whoever gets its link can still come.
        warnings += [Reason.CHANNEL_PAST_INVITES, Reason.LINK_ONLY] if past else []
    elif members >= NEARLY * most:
        warnings.append(Reason.NEARLY_FULL)
    return DestinationCheck(right, reason, check.title, check.kind, check.members, tuple(warnings))
