"""One phase of a workflow, to be recorded: how to bring it about, and on which stage."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from temporalio.client import WorkflowHandle

from tests.workflows.stage import Stage, dev_server_stage, skipping_stage

Play = Callable[[Stage], Awaitable[WorkflowHandle[Any, Any]]]
"""Leaves the workflow in its phase, and gives the run to be recorded."""


@dataclass(frozen=True)
class Scene:
    """`play` brings the phase about; its name is the phase's."""

    play: Play
    stage: Callable[[], AbstractAsyncContextManager[Stage]] = field(default=skipping_stage)

    @property
    def phase(self) -> str:
        """The phase's name."""
        return self.play.__name__


def unserved(play: Play) -> Scene:
    """On a stage whose worker's own queue nobody serves: what goes there stays in flight."""
    return Scene(play, partial(skipping_stage, own_worker=False))


def soon_continued(play: Play) -> Scene:
    """On a server that suggests to continue as new after a handful of events."""
    return Scene(play, partial(dev_server_stage, suggest_continue_as_new_at=16))
