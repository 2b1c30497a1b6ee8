"""Accounts as the worker sees them: known, leased, standing. One row per account serves all campaigns."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import AccountRef, AccountState, HeldElsewhere, KnownAccount, Lease
from domain.errors import NotFound
from domain.outcome import Outcome, Reason
from domain.ports import LimitsSource
from domain.standing import FLOOD_SIGNS, Standing, after
from storage import waiters
from storage.engine import Ask, Database, Row, together

_KNOW = text("""
    INSERT INTO account (owner, adapter, account_id, label, external_status, credentials_version, created_at, state,
                         reason, since, times_limited, failures_running, block_reported, seen_inactive, fence, slow)
    VALUES (:owner, :adapter, :account_id, :label, :status, :version, :created_at, 'active', '', :now, 0, 0, true,
            false, 0, 1)
    ON CONFLICT (owner, adapter, account_id) DO UPDATE SET
        label = excluded.label,
        external_status = excluded.external_status,
        credentials_version = excluded.credentials_version,
        created_at = excluded.created_at,
        seen_inactive = account.seen_inactive OR excluded.external_status <> 'active'
""")

# One order of locks for everybody who takes several; those that are missing in the list are written to as well.
_LOCK_ALL = text("""
    SELECT FROM account WHERE owner = :owner AND adapter = :adapter ORDER BY account_id FOR UPDATE
""")

# Who is no longer listed is switched off.
_MISSING = text("""
    UPDATE account SET external_status = 'inactive', seen_inactive = true
    WHERE owner = :owner AND adapter = :adapter AND NOT account_id = ANY (CAST(:ids AS text[]))
      AND external_status <> 'inactive'
""")

# ACC-7: our own block lasts until the owner changes the credentials, or the list showed it inactive and active again.
_HEAL = text("""
    UPDATE account SET state = 'active', reason = '', since = :now, until = NULL, failures_running = 0
    WHERE owner = :owner AND adapter = :adapter AND account_id = :account_id AND state = 'blocked'
      AND :status = 'active' AND (seen_inactive OR credentials_version <> :version)
""")

_ACQUIRE = text("""
    WITH before AS (
        SELECT lease_holder, lease_until FROM account
        WHERE owner = :owner AND adapter = :adapter AND account_id = :account_id FOR UPDATE
    )
    UPDATE account a SET lease_holder = :holder, lease_queue = :queue, lease_until = clock_timestamp() + :length,
                         fence = a.fence + 1
    FROM before b
    WHERE a.owner = :owner AND a.adapter = :adapter AND a.account_id = :account_id
      AND (b.lease_holder = :holder OR b.lease_until IS NULL OR b.lease_until < clock_timestamp())
    RETURNING a.fence, coalesce(b.lease_holder <> :holder, false) AS taken_over
""")

_HOLDER = text("""
    SELECT lease_queue, greatest(lease_until - clock_timestamp(), interval '0') AS remaining FROM account
    WHERE owner = :owner AND adapter = :adapter AND account_id = :account_id
""")

_RENEW = text("""
    UPDATE account a SET lease_until = clock_timestamp() + :length
    FROM unnest(CAST(:adapters AS text[]), CAST(:ids AS text[]), CAST(:fences AS bigint[])) AS held (adapter, id, fence)
    WHERE a.owner = :owner AND a.adapter = held.adapter AND a.account_id = held.id AND a.fence = held.fence
      AND a.lease_holder = :holder AND a.lease_until > clock_timestamp()
    RETURNING a.adapter, a.account_id
""")

_RELEASE = text("""
    UPDATE account SET lease_holder = NULL, lease_queue = NULL, lease_until = NULL
    WHERE owner = :owner AND adapter = :adapter AND account_id = :account_id AND fence = :fence
      AND lease_holder = :holder
""")

_STANDING = text("""
    SELECT state, reason, until, next_at, times_limited, failures_running, block_reported, slow, slow_at, created_at,
           tier, portfolio
    FROM account
    WHERE owner = :owner AND adapter = :adapter AND account_id = :account_id FOR UPDATE
""")

_STAND = text("""
    UPDATE account SET state = :state, reason = :reason, until = :until, next_at = :next_at,
                       times_limited = :times_limited, failures_running = :failures, block_reported = :reported,
                       slow = :slow, slow_at = :slow_at,
                       since = CASE WHEN state = :state AND until IS NOT DISTINCT FROM :until THEN since ELSE :now END,
                       seen_inactive = CASE WHEN :state = 'blocked' AND state <> 'blocked' THEN false
                                            ELSE seen_inactive END
    WHERE owner = :owner AND adapter = :adapter AND account_id = :account_id
""")

_REPORTED = text("""
    UPDATE account SET block_reported = true
    WHERE owner = :owner AND adapter = :adapter AND account_id = :account_id
""")


class Accounts:
    """The store of accounts for the worker; it is the `Leases` port as well."""

    def __init__(self, database: Database, limits: LimitsSource) -> None:
        self._database = database
        self._limits = limits

    async def know(self, owner: str, adapter: str, known: Sequence[KnownAccount], now: datetime) -> None:
        """Take over what integration-service says, and heal what may be healed."""
        rows = [
            {
                "owner": owner,
                "adapter": adapter,
                "account_id": account.account_id,
                "label": account.label,
                "status": account.status.value,
                "version": account.credentials_version,
                "created_at": account.created_at,
                "now": now,
            }
            for account in sorted(known, key=lambda each: each.account_id)
        ]
        names = {"owner": owner, "adapter": adapter, "ids": [row["account_id"] for row in rows]}
        async with self._database.owner(owner) as tx:
            await tx.execute(_LOCK_ALL, names)
            if rows:
                await tx.execute(_HEAL, rows)
                await tx.execute(_KNOW, rows)
            await tx.execute(_MISSING, names)

    async def acquire(self, ref: AccountRef, holder: str, queue: str, length: timedelta) -> Lease | HeldElsewhere:
        """Take the lease. Raises `NotFound` for an account that was never made known."""
        names = key(ref) | {"holder": holder, "queue": queue, "length": length}
        async with self._database.owner(ref.owner) as tx:
            got = (await tx.execute(_ACQUIRE, names)).mappings().first()
            if got is not None:
                return Lease(ref, holder, queue, got["fence"], got["taken_over"])
            row = (await tx.execute(_HOLDER, names)).mappings().first()
        if row is None:
            raise NotFound("account")
        return HeldElsewhere(row["lease_queue"] or "", row["remaining"])  # given up between the two statements

    async def renew(self, leases: Sequence[Lease], length: timedelta) -> frozenset[AccountRef]:
        """Prolong the leases that are still ours, an owner at a time; a lease that has ended stays ended."""
        renewed: set[AccountRef] = set()
        for owner, held in groupby(sorted(leases, key=lambda each: each.ref.owner), lambda each: each.ref.owner):
            renewed |= await self._renew(owner, list(held), length)
        return frozenset(renewed)

    async def _renew(self, owner: str, leases: list[Lease], length: timedelta) -> set[AccountRef]:
        names = {
            "owner": owner,
            "holder": leases[0].holder,
            "length": length,
            "adapters": [lease.ref.adapter for lease in leases],
            "ids": [lease.ref.account_id for lease in leases],
            "fences": [lease.fence for lease in leases],
        }
        async with self._database.owner(owner) as tx:
            rows = (await tx.execute(_RENEW, names)).all()
        return {AccountRef(owner, adapter, account_id) for adapter, account_id in rows}

    async def release(self, lease: Lease) -> None:
        """Give the lease up, if it is still ours."""
        async with self._database.owner(lease.ref.owner) as tx:
            await tx.execute(_RELEASE, key(lease.ref) | {"fence": lease.fence, "holder": lease.holder})

    async def standing(self, ref: AccountRef) -> Standing:
        """How the account stands. Raises `NotFound`."""
        async with self._database.owner(ref.owner) as tx:
            return await lock(tx, ref)

    async def refused(self, ref: AccountRef, outcome: Outcome, now: datetime) -> Standing:
        """The platform refused to sign the account in, or did not answer: write how it stands now."""
        async with self._database.owner(ref.owner) as tx:
            standing = after(outcome, await lock(tx, ref), self._limits().of(ref.adapter), now)
            floods = [waiters.note_flood(ref, now)] if outcome.kind in FLOOD_SIGNS else []
            await together(tx, stand(ref, standing, now), *floods)
        return standing

    async def reported(self, ref: AccountRef) -> None:
        """integration-service knows of the account's block."""
        async with self._database.owner(ref.owner) as tx:
            await tx.execute(_REPORTED, key(ref))


def key(ref: AccountRef) -> dict[str, object]:
    """The row's key as parameters."""
    return {"owner": ref.owner, "adapter": ref.adapter, "account_id": ref.account_id}


async def lock(tx: AsyncConnection, ref: AccountRef) -> Standing:
    """Lock the account's row: the first lock of every turn. Raises `NotFound`."""
    [rows] = await together(tx, locking(ref))
    return locked(rows)


def locking(ref: AccountRef) -> Ask:
    """Lock the account's row: the first lock of every turn."""
    return Ask(_STANDING, key(ref))


def locked(rows: Sequence[Row]) -> Standing:
    """How the account stands whose row was locked. Raises `NotFound`."""
    if not rows:
        raise NotFound("account")
    return standing(rows[0])


def stand(ref: AccountRef, standing: Standing, now: datetime) -> Ask:
    """Write how the account stands. Its row is locked."""
    values = {
        "state": standing.state.value,
        "reason": standing.reason.value,
        "until": standing.until,
        "next_at": standing.next_at,
        "times_limited": standing.times_limited,
        "failures": standing.failures,
        "reported": standing.reported,
        "slow": standing.slow,
        "slow_at": standing.slow_at,
        "now": now,
    }
    return Ask(_STAND, key(ref) | values)


def standing(row: Row) -> Standing:
    """How an account stands, by its row."""
    return Standing(
        state=AccountState(row["state"]),
        reason=Reason(row["reason"]),
        until=row["until"],
        next_at=row["next_at"],
        times_limited=row["times_limited"],
        failures=row["failures_running"],
        reported=row["block_reported"],
        slow=row["slow"],
        slow_at=row["slow_at"],
        created_at=row["created_at"],
        tier=row["tier"],
        portfolio=row["portfolio"],
    )
