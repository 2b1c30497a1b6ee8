"""Commands, wishes, phases and the state that people see."""

from itertools import product

import pytest

from domain.campaign import ENDS, Command, Phase, State, Wanted, obey, restarts, state
from domain.errors import Forbidden

LIVE = [phase for phase in Phase if phase not in ENDS]

ANSWERS = {  # (command, wanted) in a campaign that has not ended; missing: forbidden
    (Command.START, Wanted.NONE): Wanted.RUN,
    (Command.START, Wanted.RUN): Wanted.RUN,
    (Command.PAUSE, Wanted.RUN): Wanted.PAUSED,
    (Command.PAUSE, Wanted.PAUSED): Wanted.PAUSED,
    (Command.RESUME, Wanted.PAUSED): Wanted.RUN,
    (Command.RESUME, Wanted.RUN): Wanted.RUN,
    (Command.CANCEL, Wanted.NONE): Wanted.CANCELLED,
    (Command.CANCEL, Wanted.RUN): Wanted.CANCELLED,
    (Command.CANCEL, Wanted.PAUSED): Wanted.CANCELLED,
    (Command.CANCEL, Wanted.CANCELLED): Wanted.CANCELLED,
    (Command.FINISH, Wanted.FINISHED): Wanted.FINISHED,
}
IF_IT_WAITS = {(Command.FINISH, Wanted.RUN), (Command.FINISH, Wanted.PAUSED)}


@pytest.mark.parametrize(("command", "wanted"), list(product(Command, Wanted)))
@pytest.mark.parametrize("phase", LIVE)
def test_a_command_in_a_live_campaign(command: Command, wanted: Wanted, phase: Phase) -> None:
    answer = ANSWERS.get((command, wanted))
    if phase is Phase.WAITING and (command, wanted) in IF_IT_WAITS:
        answer = Wanted.FINISHED
    if answer is None:
        with pytest.raises(Forbidden, match=f"{command.value}|Only a campaign that waits"):
            obey(command, wanted, phase)
        return
    assert obey(command, wanted, phase) is answer
    assert obey(command, answer, phase) is answer


@pytest.mark.parametrize(("command", "wanted"), list(product(Command, Wanted)))
@pytest.mark.parametrize("phase", sorted(ENDS))
def test_after_the_end_only_what_ended_it_is_answered_again(command: Command, wanted: Wanted, phase: Phase) -> None:
    if (command, wanted) in ((Command.CANCEL, Wanted.CANCELLED), (Command.FINISH, Wanted.FINISHED)):
        assert obey(command, wanted, phase) is wanted
        return
    if restarts(command, phase):
        assert phase is Phase.FAILED
        assert obey(command, wanted, phase) is Wanted.RUN
        return
    with pytest.raises(Forbidden):
        obey(command, wanted, phase)


def test_no_row_of_commands_leads_out_of_cancelled() -> None:
    for command, phase in product(Command, Phase):
        if restarts(command, phase):
            continue
        try:
            assert obey(command, Wanted.CANCELLED, phase) is Wanted.CANCELLED
        except Forbidden:
            pass


@pytest.mark.parametrize(("wanted", "phase"), list(product(Wanted, Phase)))
def test_the_state_follows_the_end_then_the_wish_then_the_phase(wanted: Wanted, phase: Phase) -> None:
    seen = state(wanted, phase)
    if phase in ENDS:
        assert seen.value == phase.value
    elif wanted is Wanted.RUN:
        shown = {Phase.WAITING: State.WAITING, Phase.SCHEDULED: State.SCHEDULED}
        assert seen is shown.get(phase, State.RUNNING)
    else:
        wishes = {Wanted.NONE: State.DRAFT, Wanted.PAUSED: State.PAUSED, Wanted.CANCELLED: State.CANCELLED}
        assert seen is wishes.get(wanted, State.DONE_WITH_ERRORS)


def test_the_ends_are_the_four() -> None:
    assert {phase.value for phase in ENDS} == {"done", "done_with_errors", "cancelled", "failed"}
