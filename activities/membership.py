"""Activities on memberships: whoever was invited is looked for at the destination again (`domain.membership`).

A look is a question: it spends no budget and touches nobody. It is made between two turns of the account, for few
people at once, and waits for its application's right to ask as every request does.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from temporalio import activity

from activities.heartbeat import heartbeating
from activities.open_accounts import OpenAccounts
from domain.account import AccountRef
from domain.errors import DatabaseAway, LeaseLost, Unavailable
from domain.membership import DueLooks, ToLookFor
from domain.outcome import Kind, Outcome, Reason
from domain.ports import Clock
from domain.standing import Standing

_log = structlog.get_logger("execution")

ACCOUNTS_AT_ONCE = 100
"""Accounts of one round; the others come in the next."""


class DueStore(Protocol):
    """What these activities ask across owners."""

    async def due_looks(self, now: datetime, at_most: int) -> list[DueLooks]:
        """Accounts that are to look for people now."""


class LookStore(Protocol):
    """What these activities ask of the store of looks."""

    async def due(self, ref: AccountRef, now: datetime) -> ToLookFor | None:
        """For whom the account is to look now."""

    async def seen(self, ref: AccountRef, sought: ToLookFor, told: Mapping[int, bool], now: datetime) -> None:
        """Write what a look told, and when the next one is."""

    async def hand_over(self, ref: AccountRef, now: datetime) -> None:
        """Let others look in the account's place."""


class StandingStore(Protocol):
    """What these activities ask of the store of accounts."""

    async def refused(self, ref: AccountRef, outcome: Outcome, now: datetime) -> Standing:
        """The platform refused the account something: write how it stands now."""


@dataclass(frozen=True)
class Looker:
    """An account that is to look for people. `fence`: under which it is open."""

    owner: str
    adapter: str
    account_id: str
    fence: int = 0


@dataclass(frozen=True)
class Looked:
    """How many people were looked for, and of which campaigns. `blocked`: what the platform said meanwhile."""

    people: int
    campaigns: tuple[str, ...] = ()
    blocked: Reason = Reason.NONE


class MembershipActivities:
    """Activities on memberships. `time_box`: how long one look takes."""

    def __init__(
        self,
        open_accounts: OpenAccounts,
        due: DueStore,
        looks: LookStore,
        accounts: StandingStore,
        clock: Clock,
        time_box: timedelta,
    ) -> None:
        self._open = open_accounts
        self._due = due
        self._looks = looks
        self._accounts = accounts
        self._clock = clock
        self._time_box = time_box

    @activity.defn
    async def due_lookers(self) -> list[Looker]:
        """The accounts that are to look for people now. Of those that cannot, the people are handed over to others."""
        async with heartbeating():
            now = await self._clock.now()
            due = await self._due.due_looks(now, ACCOUNTS_AT_ONCE)
            for each in due:
                if not each.able:
                    await self._looks.hand_over(each.ref, now)
            refs = [each.ref for each in due if each.able]
            return [Looker(ref.owner, ref.adapter, ref.account_id) for ref in refs]

    @activity.defn
    async def look_for_members(self, looker: Looker) -> Looked:
        """Have an account that is open here look for its people, a few at once, for a time box at most."""
        ref = AccountRef(looker.owner, looker.adapter, looker.account_id)
        ends = time.monotonic() + self._time_box.total_seconds()
        people, campaigns = 0, dict[str, None]()
        async with heartbeating():
            while time.monotonic() < ends and not activity.is_worker_shutdown():
                sought = await self._looks.due(ref, await self._clock.now())
                if sought is None:
                    break
                told = await self._told(ref, looker.fence, sought)
                if isinstance(told, Outcome):
                    return Looked(people, tuple(campaigns), await self._refused(ref, told))
                if told is None:
                    break
                await self._looks.seen(ref, sought, told, await self._clock.now())
                people += len(sought.people)
                campaigns[sought.campaign_id] = None
        return Looked(people, tuple(campaigns))

    async def _told(self, ref: AccountRef, fence: int, sought: ToLookFor) -> Mapping[int, bool] | Outcome | None:
        """None: it cannot be asked now, and is asked in a later round."""
        try:
            async with self._open.turn(ref):
                return await self._open.session(ref, fence).members(sought.people, sought.destination)
        except DatabaseAway:
            raise
        except (LeaseLost, Unavailable) as error:
            _log.info("no look at members", account_id=ref.account_id, error=str(error))
            return None

    async def _refused(self, ref: AccountRef, outcome: Outcome) -> Reason:
        await self._accounts.refused(ref, outcome, await self._clock.now())
        if outcome.kind is not Kind.BLOCKED:
            return Reason.NONE
        await self._open.close(ref)
        return outcome.reason
