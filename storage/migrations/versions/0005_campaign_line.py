"""What the campaign's workflow was told of each account, so that its reviews answer changes only."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE campaign_line (
        campaign_id UUID NOT NULL,
        account_id TEXT NOT NULL,
        owner TEXT NOT NULL,
        digest TEXT NOT NULL,
        changed_no BIGINT NOT NULL,
        PRIMARY KEY (campaign_id, account_id)
    ) WITH (fillfactor = 70)
    """,
    "ALTER TABLE campaign_line ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE campaign_line FORCE ROW LEVEL SECURITY",
    """
    CREATE POLICY owner_only ON campaign_line TO invite_owner, invite_api, invite_worker
    USING (owner = present_owner()) WITH CHECK (owner = present_owner())
    """,
    "GRANT SELECT ON campaign_line TO invite_api, invite_worker",
    "GRANT INSERT, UPDATE ON campaign_line TO invite_worker",
)


def upgrade() -> None:
    """Make the table. Every campaign's lines are told anew once."""
    for statement in _STATEMENTS:
        op.execute(statement)
