"""A campaign's recipients in bulk: copied from the audience, drained at a cancel. Single ones move in `turns`."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.outcome import Kind, Reason
from domain.platform import Action, Identifier

_COPY = text("""
    INSERT INTO recipient (campaign_id, position, owner, username, phone, user_id, first_name, last_name, fields,
                           outcome, reason, settled_at)
    SELECT :campaign, position, owner, username, phone, user_id, first_name, last_name, fields,
           CASE WHEN reached THEN NULL ELSE :unreachable END, CASE WHEN reached THEN NULL ELSE :no_path END,
           CASE WHEN reached THEN NULL ELSE CAST(:now AS timestamptz) END
    FROM (
        SELECT *, (:username AND username IS NOT NULL) OR (:phone AND phone IS NOT NULL)
                  OR (:user_id AND user_id IS NOT NULL) AS reached
        FROM audience_recipient WHERE audience_id = :audience AND owner = :owner
    ) people
""")

_QUEUE = text("""
    INSERT INTO queue (campaign_id, action, seq, owner, position, instead, tried)
    SELECT campaign_id, :action, position, owner, position, false, '{}'
    FROM recipient WHERE campaign_id = :campaign AND outcome IS NULL
""")

_COUNT_NO_PATH = text("""
    INSERT INTO counter (campaign_id, account_id, action, instead, kind, reason, final, owner, n)
    SELECT :campaign, '', :action, false, :unreachable, :no_path, true, :owner, count(*)
    FROM recipient WHERE campaign_id = :campaign AND outcome IS NOT NULL HAVING count(*) > 0
""")

_DRAIN = text("""
    WITH drained AS (DELETE FROM queue WHERE campaign_id = :campaign RETURNING position, action, instead),
    settled AS (
        UPDATE recipient r SET outcome = :cancelled, reason = :reason, action = d.action, instead = d.instead,
                               settled_at = :now
        FROM drained d WHERE r.campaign_id = :campaign AND r.position = d.position
        RETURNING d.action, d.instead
    )
    INSERT INTO counter (campaign_id, account_id, action, instead, kind, reason, final, owner, n)
    SELECT :campaign, '', action, instead, :cancelled, :reason, true, :owner, count(*)
    FROM settled GROUP BY action, instead
    ON CONFLICT (campaign_id, account_id, action, instead, kind, reason, final)
    DO UPDATE SET n = counter.n + excluded.n
""")


async def copy_audience(
    tx: AsyncConnection,
    owner: str,
    campaign_id: UUID,
    audience_id: UUID,
    action: Action,
    reaches: Collection[Identifier],
    now: datetime,
) -> None:
    """Copy the audience and fill the queue. People whom the platform has no way to find are settled at once."""
    names = {"campaign": campaign_id, "audience": audience_id, "owner": owner, "action": action.value, "now": now}
    no_path = {"unreachable": Kind.UNREACHABLE.value, "no_path": Reason.NO_PATH.value}
    reached = {each.value: each in reaches for each in Identifier}
    await tx.execute(_COPY, names | no_path | reached)
    await tx.execute(_QUEUE, names)
    await tx.execute(_COUNT_NO_PATH, names | no_path)


async def drain(tx: AsyncConnection, owner: str, campaign_id: str, now: datetime) -> None:
    """Settle everybody who still waits as cancelled."""
    await tx.execute(
        _DRAIN,
        {
            "campaign": campaign_id,
            "owner": owner,
            "now": now,
            "cancelled": Kind.CANCELLED.value,
            "reason": Reason.CAMPAIGN_CANCELLED.value,
        },
    )
