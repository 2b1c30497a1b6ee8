"""A campaign's recipients in bulk: copied from the audience, drained at a cancel. Single ones move in `turns`."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audience import Contact
from domain.outcome import RETRIED, SUCCESSES, Kind, Outcome, Reason
from domain.platform import Action, Identifier
from storage.suppression import DIGESTS, NAMES, ON_THE_LIST

# Somebody known by an id alone can be reached only by an account that has seen them (facts: access hashes).
_KNOWING = """
    coalesce(
        (SELECT min(account_id) FROM address_book book
         WHERE book.owner = :owner AND book.adapter = :adapter AND book.identifier = 'user_id:' || people.user_id
           AND (CAST(:accounts AS text[]) IS NULL OR book.account_id = ANY (:accounts))),
        CASE WHEN CAST(:accounts AS text[]) IS NULL OR people.seen_by = ANY (:accounts) THEN people.seen_by END
    )
"""

_REFUSED_BEFORE = f"""
    EXISTS (SELECT FROM refusal f WHERE f.owner = :owner AND f.adapter = :adapter
            AND f.digest = ANY ({DIGESTS.format(of="people")}))
"""

# Who of the people is known as somebody whom an earlier campaign has reached: sets are joined, however large they are.
_REACHED = f"""
    SELECT DISTINCT position FROM (SELECT position, unnest({NAMES.format(of="people")}) AS name FROM people) these
    JOIN (SELECT unnest({NAMES.format(of="earlier")}) AS name FROM recipient earlier
          WHERE earlier.campaign_id = ANY (CAST(:reached_by AS uuid[]))
            AND earlier.outcome = ANY (CAST(:successes AS text[]))) those USING (name)
"""

# Of a campaign of a minute ago the planner may think that it has one recipient, and compare everybody with everybody.
_JOIN_SETS = text("SET LOCAL enable_nestloop = off")

_COPY = f"""
    WITH people AS NOT MATERIALIZED ({{people}}), reached AS ({_REACHED})
    INSERT INTO recipient (campaign_id, position, owner, username, phone, user_id, first_name, last_name, fields,
                           seen_by, outcome, reason, settled_at)
    SELECT :campaign, position, :owner, username, phone, user_id, first_name, last_name, fields, seen_by,
           CASE WHEN reason = '{Reason.NO_PATH.value}' THEN '{Kind.UNREACHABLE.value}'
                WHEN reason IS NOT NULL THEN '{Kind.SKIPPED.value}' END,
           reason, CASE WHEN reason IS NOT NULL THEN CAST(:now AS timestamptz) END
    FROM (
        SELECT people.*, CASE WHEN {ON_THE_LIST.format(of="people")} THEN '{Reason.SUPPRESSED.value}'
                              WHEN :skip_refused AND {_REFUSED_BEFORE} THEN '{Reason.REFUSED_BEFORE.value}'
                              WHEN reached.position IS NOT NULL THEN '{Reason.REACHED_BEFORE.value}'
                              WHEN NOT ((:username AND username IS NOT NULL) OR (:phone AND phone IS NOT NULL)
                                        OR (:user_id AND user_id IS NOT NULL AND {_KNOWING} IS NOT NULL))
                              THEN '{Reason.NO_PATH.value}' END AS reason
        FROM people LEFT JOIN reached ON reached.position = people.position
        OFFSET 0  -- once for each: unfolded, it would be looked up wherever the reason is named
    ) looked_up
"""

_COPY_AUDIENCE = text(
    _COPY.format(
        people="""
            SELECT position, username, phone, user_id, first_name, last_name, fields, seen_by
            FROM audience_recipient WHERE audience_id = :audience AND owner = :owner
        """
    )
)

# Nobody looks for those who were erased.
_AGAIN = """
    campaign_id = :source AND outcome = ANY (CAST(:kinds AS text[])) AND reason = ANY (CAST(:reasons AS text[]))
    AND num_nonnulls(username, phone, user_id) > 0
"""

_COPY_AGAIN = text(
    _COPY.format(
        people=f"""
            SELECT position, username, phone, user_id, first_name, last_name, fields, seen_by
            FROM recipient WHERE {_AGAIN}
        """
    )
)

_HOW_MANY_AGAIN = text(f"SELECT count(*) FROM recipient WHERE {_AGAIN}")

_COPY_ONE = text(
    _COPY.format(
        people="""
            SELECT 0 AS position, CAST(:its_username AS text) AS username, CAST(:its_phone AS text) AS phone,
                   CAST(:its_user_id AS bigint) AS user_id, CAST(:its_first_name AS text) AS first_name,
                   CAST(:its_last_name AS text) AS last_name, CAST(:its_fields AS jsonb) AS fields,
                   CAST(:its_seen_by AS text) AS seen_by
        """
    )
)

_QUEUE = text(f"""
    INSERT INTO queue (campaign_id, action, lane, seq, owner, position, instead, tried, bound_to, bound_hard)
    SELECT campaign_id, :first, lane, position, owner, position, false, '{{}}',
           CASE WHEN lane = 'user_id' THEN {_KNOWING} END, lane = 'user_id'
    FROM (
        SELECT *, CASE WHEN :username AND username IS NOT NULL THEN 'username'
                       WHEN :phone AND phone IS NOT NULL THEN 'phone' ELSE 'user_id' END AS lane
        FROM recipient WHERE campaign_id = :campaign AND outcome IS NULL
    ) people
""")

_COUNT_SETTLED = text("""
    INSERT INTO counter (campaign_id, account_id, action, instead, kind, reason, final, owner, n)
    SELECT :campaign, '', :action, false, outcome, reason, true, :owner, count(*)
    FROM recipient WHERE campaign_id = :campaign AND outcome IS NOT NULL GROUP BY outcome, reason
""")

# Settles, and counts, those whose rows one statement has taken out of the queue.
_SETTLE_TAKEN_OUT = """
    WITH taken_out AS ({delete} RETURNING q.position, q.action, q.instead),
    settled AS (
        UPDATE recipient r SET outcome = :kind, reason = :reason, action = t.action, instead = t.instead,
                               settled_at = :now
        FROM taken_out t WHERE r.campaign_id = :campaign AND r.position = t.position
        RETURNING t.action, t.instead
    )
    INSERT INTO counter (campaign_id, account_id, action, instead, kind, reason, final, owner, n)
    SELECT :campaign, '', action, instead, :kind, :reason, true, :owner, count(*)
    FROM settled GROUP BY action, instead
    ON CONFLICT (campaign_id, account_id, action, instead, kind, reason, final)
    DO UPDATE SET n = counter.n + excluded.n
"""

_DRAIN = text(_SETTLE_TAKEN_OUT.format(delete="DELETE FROM queue q WHERE q.campaign_id = :campaign"))

# The owner has taken the account out of the campaign.
_NOT_CHOSEN = """
    EXISTS (SELECT FROM campaign c WHERE c.id = :campaign AND c.account_ids IS NOT NULL
            AND NOT q.bound_to = ANY (c.account_ids))
"""

# A list named it, and the owner has no such account, as the accounts that were read say.
_NEVER_LISTED = """
    EXISTS (SELECT FROM campaign c WHERE c.id = :campaign AND c.accounts_checked_at IS NOT NULL)
    AND NOT EXISTS (SELECT FROM account a
                    WHERE a.owner = :owner AND a.adapter = :adapter AND a.account_id = q.bound_to)
"""

_GONE_FOR_GOOD = text(
    _SETTLE_TAKEN_OUT.format(
        delete=f"""
            DELETE FROM queue q
            WHERE q.campaign_id = :campaign AND q.bound_to IS NOT NULL AND q.bound_hard AND (
                EXISTS (SELECT FROM account a
                        WHERE a.owner = :owner AND a.adapter = :adapter AND a.account_id = q.bound_to
                          AND (a.state = 'blocked' OR a.external_status <> 'active' OR {_NOT_CHOSEN}))
                OR {_NEVER_LISTED}
            )
        """
    )
)


@dataclass(frozen=True)
class Again:
    """Those whom an earlier campaign did not reach for one of these reasons."""

    campaign_id: UUID
    reasons: Collection[Reason]


@dataclass(frozen=True)
class Copy:
    """What is made of an audience: `first` is the action that everybody waits for first.

    Left out are those on the do-not-contact list, those whom the campaigns `reached_by` reached, and with
    `skip_refused` those who refused for good before. `again`: of an earlier campaign's people, not of an audience.
    """

    owner: str
    campaign_id: UUID
    audience_id: UUID
    adapter: str
    account_ids: Sequence[str] | None
    action: Action
    first: Action
    reaches: Collection[Identifier]
    reached_by: Sequence[UUID] = ()
    skip_refused: bool = False
    again: Again | None = None


async def copy_audience(tx: AsyncConnection, copy: Copy, now: datetime, one: Contact | None = None) -> None:
    """Copy the audience, or the `one` in its place, and fill the queue. People who are left out, or
    whom the platform has no way to find, are settled at once."""
    names: dict[str, object] = {
        "campaign": copy.campaign_id,
        "audience": copy.audience_id,
        "owner": copy.owner,
        "adapter": copy.adapter,
        "accounts": None if copy.account_ids is None else list(copy.account_ids),
        "action": copy.action.value,
        "first": copy.first.value,
        "now": now,
        "reached_by": list(copy.reached_by),
        "successes": [each.value for each in SUCCESSES],
        "skip_refused": copy.skip_refused,
    }
    names |= {each.value: each in copy.reaches for each in Identifier}
    if copy.reached_by:
        await tx.execute(_JOIN_SETS)
    if copy.again is not None:
        await tx.execute(_COPY_AGAIN, names | _source(copy.again))
    elif one is None:
        await tx.execute(_COPY_AUDIENCE, names)
    else:
        await tx.execute(_COPY_ONE, names | _columns(one))
    await tx.execute(_QUEUE, names)
    await tx.execute(_COUNT_SETTLED, names)


async def how_many(tx: AsyncConnection, again: Again) -> int:
    """How many there are to be tried again."""
    return int(await tx.scalar(_HOW_MANY_AGAIN, _source(again)) or 0)


def _source(again: Again) -> dict[str, object]:
    kinds, reasons = [each.value for each in RETRIED], [each.value for each in again.reasons]
    return {"source": again.campaign_id, "kinds": kinds, "reasons": reasons}


def _columns(one: Contact) -> dict[str, object]:
    return {
        "its_username": one.username,
        "its_phone": one.phone,
        "its_user_id": one.user_id,
        "its_first_name": one.first_name,
        "its_last_name": one.last_name,
        "its_seen_by": one.seen_by,
        "its_fields": json.dumps(dict(one.fields), ensure_ascii=False),
    }


_FREE = text(f"""
    UPDATE queue q SET bound_to = NULL FROM account a
    WHERE q.campaign_id = :campaign AND q.bound_to IS NOT NULL AND NOT q.bound_hard
      AND a.owner = :owner AND a.adapter = :adapter AND a.account_id = q.bound_to
      AND (a.state <> 'active' OR a.external_status <> 'active' OR {_NOT_CHOSEN}
           OR NOT EXISTS (SELECT FROM campaign_account ca JOIN campaign c ON c.id = ca.campaign_id
                          WHERE ca.campaign_id = :campaign AND ca.account_id = q.bound_to AND CASE q.action
                              WHEN 'invite' THEN ca.can_invite
                              WHEN 'message' THEN ca.post_unseen_no IS DISTINCT FROM c.control_no
                              ELSE true END))
""")


async def release_bound(tx: AsyncConnection, owner: str, adapter: str, campaign_id: UUID, now: datetime) -> None:
    """People bound to an account that has left: those whom it only added as contacts are free for the others, those
    whom nobody else can reach are settled."""
    names = {"campaign": campaign_id, "owner": owner, "adapter": adapter, "now": now}
    await tx.execute(_FREE, names)
    gone = {"kind": Kind.UNREACHABLE.value, "reason": Reason.ACCOUNT_GONE.value}
    await tx.execute(_GONE_FOR_GOOD, names | gone)


async def drain(tx: AsyncConnection, owner: str, campaign_id: UUID, outcome: Outcome, now: datetime) -> None:
    """Settle everybody who still waits."""
    names = {"campaign": campaign_id, "owner": owner, "now": now}
    await tx.execute(_DRAIN, names | {"kind": outcome.kind.value, "reason": outcome.reason.value})
