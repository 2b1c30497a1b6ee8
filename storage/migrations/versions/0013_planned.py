"""When a campaign is planned to end, and with what an account would act if it did not give way."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE campaign ADD COLUMN planned_at TIMESTAMPTZ, ADD COLUMN planned_end TIMESTAMPTZ",
    "GRANT UPDATE (planned_at, planned_end) ON campaign TO invite_worker",
    "ALTER TABLE campaign_account ADD COLUMN kinds TEXT[]",
)


def upgrade() -> None:
    """Every campaign is planned anew at its next review; who gives way at this moment looks again when it said."""
    for statement in _STATEMENTS:
        op.execute(statement)
