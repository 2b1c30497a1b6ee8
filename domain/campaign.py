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
    FINISHED = "finished"
    """Ended as it stands, where nothing can go on (LIM-7): who is left has failed."""


class Phase(StrEnum):
    """What the workflow is doing."""

    NEW = "new"
    SCHEDULED = "scheduled"
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
    SCHEDULED = "scheduled"
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
    FINISH = "finish"


def state(wanted: Wanted, phase: Phase) -> State:
    """The state that people see: a wish shows at once, the phase fills in the rest."""
    if phase in ENDS:
        return State(phase.value)
    if wanted is not Wanted.RUN:
        return _WISHED[wanted]
    return State(phase.value) if phase in (Phase.WAITING, Phase.SCHEDULED) else State.RUNNING


_WISHED = {
    Wanted.NONE: State.DRAFT,
    Wanted.PAUSED: State.PAUSED,
    Wanted.CANCELLED: State.CANCELLED,
    Wanted.FINISHED: State.DONE_WITH_ERRORS,
}

_WISHES = {
    Command.START: Wanted.RUN,
    Command.PAUSE: Wanted.PAUSED,
    Command.RESUME: Wanted.RUN,
    Command.CANCEL: Wanted.CANCELLED,
    Command.FINISH: Wanted.FINISHED,
}

_ALLOWED: dict[Command, frozenset[Wanted]] = {
    Command.START: frozenset({Wanted.NONE}),
    Command.PAUSE: frozenset({Wanted.RUN}),
    Command.RESUME: frozenset({Wanted.PAUSED}),
    Command.CANCEL: frozenset({Wanted.NONE, Wanted.RUN, Wanted.PAUSED}),
    Command.FINISH: frozenset({Wanted.RUN, Wanted.PAUSED}),
}


def obey(command: Command, wanted: Wanted, phase: Phase) -> Wanted:
    """The wish after `command`; the same as before when it is repeated. Raises `Forbidden` where it makes no sense."""
    wish = _WISHES[command]
    if phase in ENDS:
        if restarts(command, phase) or (wanted is wish and command in (Command.CANCEL, Command.FINISH)):
            return wish
        raise Forbidden(f"The campaign has ended ({phase.value}): it cannot be told to {command.value}.")
    if wanted is wish:
        return wish
    if command is Command.FINISH and phase is not Phase.WAITING:
        raise Forbidden("Only a campaign that waits can be finished early; cancel it, or let it go on.")
    if wanted in _ALLOWED[command]:
        return wish
    raise Forbidden(f"A campaign that is {state(wanted, phase).value} cannot be told to {command.value}.")


def restarts(command: Command, phase: Phase) -> bool:
    """Whether the command has a campaign that failed by an error of ours continue where it stood (CMP-3)."""
    return command is Command.START and phase is Phase.FAILED
