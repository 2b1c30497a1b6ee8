"""Where faults strike, and what Telegram holds against an account afterwards."""

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from devstack.telegram_dc.errors import RpcError
from devstack.telegram_dc.scenario import Fault
from devstack.telegram_dc.world import FOR_EVER, AccountState

ANY_METHOD = "*"
FROZEN_METHODS = frozenset(
    {
        "channels.InviteToChannel",
        "channels.JoinChannel",
        "channels.LeaveChannel",
        "contacts.AddContact",
        "contacts.DeleteContacts",
        "contacts.ImportContacts",
        "messages.AddChatUser",
        "messages.EditExportedChatInvite",
        "messages.ExportChatInvite",
        "messages.ForwardMessages",
        "messages.HideChatJoinRequest",
        "messages.ImportChatInvite",
        "messages.SendMessage",
    }
)
_SIGNED_OUT = {
    "ban": "USER_DEACTIVATED_BAN",
    "deactivate": "USER_DEACTIVATED",
    "session_revoked": "AUTH_KEY_UNREGISTERED",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A request as faults see it: whose, which method, and whether it only serves to connect."""

    account: str
    method: str
    connecting: bool


@dataclass
class _Loaded:
    fault: Fault
    passed: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)

    def concerns(self, call: Call) -> bool:
        """Whether the call is one of those that this fault counts."""
        return self.fault.account in (None, call.account) and _covers(self.fault.method, call)

    def is_due(self, account: str) -> bool:
        """Whether the account's next call is struck."""
        spent = self.fault.times is not None and self.struck[account] >= self.fault.times
        return not spent and self.passed[account] >= self.fault.after


class Faults:
    """All faults, each with its counts per account."""

    def __init__(self, faults: list[Fault]) -> None:
        self._loaded = [_Loaded(fault) for fault in faults]

    def add(self, fault: Fault) -> None:
        """From now on this one strikes too; it counts from here."""
        self._loaded.append(_Loaded(fault))

    def striking(self, call: Call) -> Fault | None:
        """The first fault that strikes this call, counted as struck; else the call counts as gone through."""
        concerned = [loaded for loaded in self._loaded if loaded.concerns(call)]
        for loaded in concerned:
            if loaded.is_due(call.account):
                loaded.struck[call.account] += 1
                return loaded.fault
        for loaded in concerned:
            loaded.passed[call.account] += 1
        return None


def held_against(state: AccountState, call: Call, now: datetime) -> RpcError | None:
    """What earlier faults still answer to this call: signed out, frozen, or a wait that runs."""
    if state.destroyed:
        return RpcError(401, "AUTH_KEY_UNREGISTERED")
    if state.signed_out and call.method != "help.GetConfig":
        return RpcError(401, state.signed_out)
    if call.method in FROZEN_METHODS and _running(state.frozen_until, now):
        return RpcError(420, "FROZEN_METHOD_INVALID")
    ends = [until for pattern, until in state.waits.items() if _covers(pattern, call) and until > now]
    return _flood_wait(max(ends) - now) if ends else None


def is_limited(state: AccountState, now: datetime) -> bool:
    """Whether PEER_FLOOD keeps the account from strangers."""
    return _running(state.limited_until, now)


def inflict(fault: Fault, state: AccountState, now: datetime) -> RpcError | None:
    """The error with which the fault answers, its lasting part noted; None if it is not of that kind."""
    lasting = now + timedelta(seconds=fault.seconds) if fault.seconds else FOR_EVER
    match fault.kind:
        case "flood_wait":
            state.waits[fault.method] = now + timedelta(seconds=fault.seconds)
            return _flood_wait(timedelta(seconds=fault.seconds))
        case "peer_flood":
            state.limited_until = lasting
            return RpcError(400, fault.error or "PEER_FLOOD")
        case "ban" | "deactivate" | "session_revoked":
            state.signed_out = fault.error or _SIGNED_OUT[fault.kind]
            return RpcError(401, state.signed_out)
        case "frozen":
            state.frozen_until = lasting
            return RpcError(420, fault.error or "FROZEN_METHOD_INVALID")
        case "rpc_error":
            return RpcError(fault.code, fault.error or "BAD_REQUEST")
        case "server_error":
            return RpcError(500, fault.error or "RPC_CALL_FAIL")
    return None


def _covers(pattern: str, call: Call) -> bool:
    return pattern == call.method or (pattern == ANY_METHOD and not call.connecting)


def _running(until: datetime | None, now: datetime) -> bool:
    return until is not None and until > now


def _flood_wait(left: timedelta) -> RpcError:
    return RpcError(420, f"FLOOD_WAIT_{max(1, math.ceil(left.total_seconds()))}")
