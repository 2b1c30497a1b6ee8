"""The campaign's owner meanwhile: looks at the status all the time, and pauses, resumes and edits as told."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from devstack.demo.client import ApiClient, Json, Refused
from devstack.errors import DevstackError
from domain.terms import NORMAL

_POLL = 0.25
ENDED = frozenset({"done", "done_with_errors", "cancelled", "failed"})


@dataclass(frozen=True)
class Unanswered:
    """A status that did not come: asked and failed at these monotonic times."""

    at: datetime
    asked: float
    failed: float
    error: str


class Owner:
    """Asks in a thread of its own: an API that is stopped holds only that one up. A context manager."""

    def __init__(self, api: ApiClient, campaign_id: str) -> None:
        self.pauses: list[tuple[datetime, datetime]] = []
        """From the pause's request to the answer to the resume."""
        self.quiet: list[tuple[datetime, datetime]] = []
        """From the answer to the pause to the resume's request."""
        self.priorities = {NORMAL}
        """Which the campaign may have: the last one that was confirmed, and those said since."""
        self.unanswered: list[Unanswered] = []
        self.status: Json = {}
        self._api = api
        self._campaign_id = campaign_id
        self._edit: int | None = None
        self._resume_at: float | None = None
        self._paused_from: tuple[datetime, datetime] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._live, name="owner", daemon=True)

    def __enter__(self) -> "Owner":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look no more."""
        self._stopping.set()
        self._thread.join()

    @property
    def ended(self) -> bool:
        """Whether the campaign has."""
        return self.status.get("state") in ENDED

    @property
    def is_free(self) -> bool:
        """Whether no pause is under way, and all was said."""
        return self._resume_at is None and self._edit is None

    def pause(self, seconds: float) -> None:
        """Pause the campaign for so long, as soon as the API listens."""
        self._resume_at = time.monotonic() + seconds

    def edit(self, priority: int) -> None:
        """Give the campaign that priority, as soon as the API listens."""
        self._edit = priority

    def _live(self) -> None:
        while not self._stopping.wait(_POLL):
            asked = time.monotonic()
            try:
                self._command()
                asked = time.monotonic()
                self.status = self._api.status(self._campaign_id)
            except DevstackError as error:
                self.unanswered.append(Unanswered(datetime.now(UTC), asked, time.monotonic(), str(error)))

    def _command(self) -> None:
        """What is to be said now. An error is raised: it is said again then."""
        if self._edit is not None:
            self._say_edit(self._edit)
        if self._resume_at is None:
            return
        if self.ended:
            self._resume_at = None
        elif self._paused_from is None:
            asked = datetime.now(UTC)
            if self._said("pause"):
                self._paused_from = asked, datetime.now(UTC)
        elif time.monotonic() >= self._resume_at:
            asked = datetime.now(UTC)
            self._said("resume")
            self.pauses.append((self._paused_from[0], datetime.now(UTC)))
            self.quiet.append((self._paused_from[1], asked))
            self._paused_from = self._resume_at = None

    def _say_edit(self, priority: int) -> None:
        self.priorities.add(priority)
        if not self.ended and self._is_taken(lambda: self._api.edit(self._campaign_id, {"priority": priority})):
            self.priorities = {priority}
        self._edit = None

    def _said(self, command: str) -> bool:
        if self._is_taken(lambda: self._api.command(self._campaign_id, command)):
            return True
        self._resume_at = None
        return False

    def _is_taken(self, say: Callable[[], object]) -> bool:
        """False when the campaign has ended meanwhile."""
        try:
            say()
        except Refused as refused:
            if "(409)" not in str(refused):
                raise
            return False
        return True
