"""What the worker writes of a campaign: settled recipients, an account."""

from sqlalchemy import text

from domain.outcome import Kind, Reason
from storage.engine import Database

PEOPLE = b"username,phone,user_id,first_name\n@anna,,,Anna\n@boris,,,=cmd()\n,,4242,Vera\n,+79001234567,,Galya\n"


async def settle(
    database: Database, owner: str, campaign: str, position: int, kind: Kind, reason: Reason = Reason.NONE
) -> None:
    """As the worker settles one recipient."""
    names = {"c": campaign, "p": position, "kind": kind.value, "reason": reason.value, "owner": owner}
    async with database.owner(owner) as tx:
        await tx.execute(
            text(
                "UPDATE recipient SET outcome = :kind, reason = :reason, action = 'invite', instead = false, "
                "account_id = 'a1', settled_at = '2026-03-01T09:01Z' WHERE campaign_id = :c AND position = :p"
            ),
            names,
        )
        await tx.execute(
            text("DELETE FROM queue WHERE campaign_id = :c AND position = :p"),
            names,
        )
        await tx.execute(
            text("INSERT INTO counter VALUES (:c, 'a1', 'invite', false, :kind, :reason, true, :owner, 1)"), names
        )


async def let_in(database: Database, owner: str, campaign: str) -> None:
    """As the worker takes an account into a campaign."""
    async with database.owner(owner) as tx:
        await tx.execute(
            text(
                "INSERT INTO account (owner, adapter, account_id, label, external_status, credentials_version, "
                "created_at, state, reason, since, until, times_limited, failures_running, "
                "block_reported, seen_inactive, fence, slow) "
                "VALUES (:owner, 'telegram', 'a1', 'Label', 'active', 1, now(), 'cooldown', 'flood_wait', "
                "'2026-03-01T08:00Z', '2026-03-01T10:00Z', 0, 0, true, false, 0, 1)"
            ),
            {"owner": owner},
        )
        await tx.execute(
            text(
                "INSERT INTO campaign_account VALUES "
                "(:c, 'a1', :owner, true, true, '{slow_mode}', 'working', '2026-03-01T09:00Z')"
            ),
            {"owner": owner, "c": campaign},
        )
