"""The accounts and reports, kept in one JSON file."""

import os
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from devstack.integration_service.schemas import Check, Registration, Report, Status

MAX_REPORTS = 10_000  # older ones are dropped
_BANNED = re.compile(r"\bbanned\b", re.IGNORECASE)
_OUT = re.compile(r"signed[ _-]?out|deactivated|revoked|frozen", re.IGNORECASE)


class OwnedByAnother(Exception):
    """The account's id is taken by another owner."""


class _State(BaseModel):
    accounts: dict[str, Registration] = {}
    reports: list[Report] = []


class Store:
    """All state; written through to the file at every change, so that a restart finds it."""

    def __init__(self, path: Path) -> None:
        """Read the file if there is one. pydantic.ValidationError when it is not ours."""
        self._path = path
        self._state = _State.model_validate_json(path.read_bytes()) if path.exists() else _State()

    def accounts(self, user_id: str, platform: str) -> list[Registration]:
        """The owner's accounts on a platform, by id."""
        mine = (one for one in self._state.accounts.values() if (one.user_id, one.platform) == (user_id, platform))
        return sorted(mine, key=lambda one: one.id)

    def put(self, account: Registration) -> None:
        """Add or replace an account. OwnedByAnother."""
        known = self._state.accounts.get(account.id)
        if known is not None and known.user_id != account.user_id:
            raise OwnedByAnother(account.id)
        self._state.accounts[account.id] = account
        self._write()

    def check(self, check: Check) -> bool:
        """Record the report and mark the account; False when the owner has no such account."""
        account = self._state.accounts.get(check.account_id)
        if account is None or account.user_id != check.user_id:
            return False
        if (status := _status_for(check.reason)) is not None:
            self._state.accounts[account.id] = account.model_copy(update={"status": status})
        report = Report(**check.model_dump(), received_at=datetime.now(UTC))
        self._state.reports = [*self._state.reports, report][-MAX_REPORTS:]
        self._write()
        return True

    def reports(self) -> list[Report]:
        """All reports, the oldest first."""
        return self._state.reports

    def _write(self) -> None:
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)  # 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(self._state.model_dump_json(exclude_none=True))
        Path(name).replace(self._path)


def _status_for(reason: str) -> Status | None:
    if _BANNED.search(reason):
        return "banned"
    return "inactive" if _OUT.search(reason) else None
