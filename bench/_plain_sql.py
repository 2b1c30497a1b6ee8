"""The floor: what one turn writes, in as many commits, by one statement each and without any of the reads."""

from datetime import datetime

import psycopg

from bench._campaigns import PLAIN, PLATFORM

_BEGIN = b"""
    WITH next AS (
        SELECT seq FROM queue WHERE campaign_id = %(campaign)s AND action = 'invite' AND lane = 'username'
        ORDER BY seq LIMIT 1 FOR UPDATE SKIP LOCKED
    ), claimed AS (
        DELETE FROM queue q USING next WHERE q.campaign_id = %(campaign)s AND q.action = 'invite'
          AND q.lane = 'username' AND q.seq = next.seq RETURNING q.*
    ), stood AS (
        UPDATE account SET next_at = %(now)s
        WHERE owner = %(owner)s AND adapter = %(adapter)s AND account_id = %(account)s
    ), spent AS (
        INSERT INTO usage (owner, scope, budget, hour, amount, next_at)
        SELECT %(owner)s, 'account/' || %(account)s, budget, date_trunc('hour', %(now)s::timestamptz), 1, NULL
        FROM unnest(ARRAY['invite', 'resolve']) budget
        ON CONFLICT (owner, scope, budget, hour) DO UPDATE SET amount = usage.amount + 1
    ), claims AS (
        INSERT INTO waiter (owner, adapter, account_id, campaign_id, priority, until, budgets)
        VALUES (%(owner)s, %(adapter)s, %(account)s, %(campaign)s, 3, %(now)s, '{}')
        ON CONFLICT (owner, adapter, account_id, campaign_id) DO UPDATE SET until = excluded.until
    ), turn AS (
        INSERT INTO turn (id, owner, campaign_id, adapter, account_id, action, budget, fence, opened_at, pause)
        VALUES (%(turn)s, %(owner)s, %(campaign)s, %(adapter)s, %(account)s, 'invite', 'invite', 1, %(now)s, '1ms')
    ), attempt AS (
        INSERT INTO attempt (turn_id, slot, owner, campaign_id, position, account_id, action, instead, lane, seq,
                             bound_hard, tried, key, revision, state, opened_at)
        SELECT %(turn)s, 0, owner, campaign_id, position, %(account)s, action, instead, lane, seq, bound_hard, tried,
               1, 1, 'open', %(now)s FROM claimed
    )
    SELECT r.position, r.username, r.phone, r.user_id, r.first_name, r.last_name, r.fields
    FROM claimed c JOIN recipient r ON r.campaign_id = c.campaign_id AND r.position = c.position
"""

_MARK = b"UPDATE attempt SET state = 'sent', sent_at = %(now)s WHERE turn_id = %(turn)s AND slot = 0"

_SETTLE = b"""
    WITH attempt AS (
        UPDATE attempt SET state = 'settled', settled_at = %(now)s, outcome = 'invited', reason = ''
        WHERE turn_id = %(turn)s AND slot = 0
    ), recipient AS (
        UPDATE recipient SET outcome = 'invited', reason = '', action = 'invite', instead = false,
                             account_id = %(account)s, settled_at = %(now)s
        WHERE campaign_id = %(campaign)s AND position = %(position)s
    ), counter AS (
        INSERT INTO counter (campaign_id, account_id, action, instead, kind, reason, final, owner, n)
        VALUES (%(campaign)s, %(account)s, 'invite', false, 'invited', '', true, %(owner)s, 1)
        ON CONFLICT (campaign_id, account_id, action, instead, kind, reason, final)
        DO UPDATE SET n = counter.n + 1
    ), progress AS (
        INSERT INTO progress (campaign_id, minute, account_id, owner, n)
        VALUES (%(campaign)s, date_trunc('minute', %(now)s::timestamptz), %(account)s, %(owner)s, 1)
        ON CONFLICT (campaign_id, minute, account_id) DO UPDATE SET n = progress.n + 1
    ), stood AS (
        UPDATE account SET next_at = %(now)s
        WHERE owner = %(owner)s AND adapter = %(adapter)s AND account_id = %(account)s
    )
    UPDATE turn SET closed_at = %(now)s WHERE id = %(turn)s
"""


async def turn(connection: psycopg.AsyncConnection, campaign: str, account: str, turn_id: str, now: datetime) -> None:
    """One recipient: three statements, each a transaction of its own."""
    names: dict[str, object] = {"campaign": campaign, "account": account, "turn": turn_id, "now": now}
    names |= {"owner": PLAIN, "adapter": PLATFORM}
    row = await (await connection.execute(_BEGIN, names, prepare=True)).fetchone()
    assert row is not None, "the queue is empty"
    await connection.execute(_MARK, names, prepare=True)
    await connection.execute(_SETTLE, names | {"position": row[0]}, prepare=True)
