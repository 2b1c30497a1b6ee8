"""A campaign's wish and phase, the state that people see, and which command is allowed when (DESIGN §4).

The owner's commands write `Wanted`; the workflow alone writes `Phase`. The state is derived from both.
"""

from enum import StrEnum

from domain.errors import Forbidden


class Wanted(StrEnum):
    """The owner's wish."""

    NONE = "none"
    RUN = "run"
    PAUSED = "paused"
    CANCELLED = "cancelled"


class Phase(StrEnum):
    """What the workflow is doing."""

    NEW = "new"
    PREPARING = "preparing"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    DONE = "done"
    DONE_WITH_ERRORS = "done_with_errors"
    CANCELLED = "cancelled"
    FAILED = "failed"


ENDS = frozenset({Phase.DONE, Phase.DONE_WITH_ERRORS, Phase.CANCELLED, Phase.FAILED})
"""Phases after which a campaign does nothing more."""


class State(StrEnum):
    """What the owner sees (CMP-3)."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    WAITING = "waiting"
    DONE = "done"
    DONE_WITH_ERRORS = "done_with_errors"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Command(StrEnum):
    """What the owner may say."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


def state(wanted: Wanted, phase: Phase) -> State:
    """The state that people see: a wish shows at once, the phase fills in the rest."""
    if phase in ENDS:
        return State(phase.value)
    if wanted is Wanted.NONE:
        return State.DRAFT
    if wanted in (Wanted.PAUSED, Wanted.CANCELLED):
        return State(wanted.value)
    return State.WAITING if phase is Phase.WAITING else State.RUNNING


_WISHES = {
    Command.START: Wanted.RUN,
    Command.PAUSE: Wanted.PAUSED,
    Command.RESUME: Wanted.RUN,
    Command.CANCEL: Wanted.CANCELLED,
}

_ALLOWED: dict[Command, frozenset[Wanted]] = {
    Command.START: frozenset({Wanted.NONE}),
    Command.PAUSE: frozenset({Wanted.RUN}),
    Command.RESUME: frozenset({Wanted.PAUSED}),
    Command.CANCEL: frozenset({Wanted.NONE, Wanted.RUN, Wanted.PAUSED}),
}


def obey(command: Command, wanted: Wanted, phase: Phase) -> Wanted:
    """The wish after `command`; the same as before when it is repeated. Raises `Forbidden` where it makes no sense."""
    wish = _WISHES[command]
    if phase in ENDS and not (phase is Phase.CANCELLED and command is Command.CANCEL):
        raise Forbidden(f"The campaign has ended ({phase.value}): it cannot be told to {command.value}.")
    if wanted is wish or wanted in _ALLOWED[command]:
        return wish
    raise Forbidden(f"A campaign that is {state(wanted, phase).value} cannot be told to {command.value}.")
