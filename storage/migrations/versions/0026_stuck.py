"""Campaigns that say they are at work, and settle nobody, are told one by one."""

from pathlib import Path

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change everything. The script beside this file is frozen: later changes are migrations of their own."""
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(script)  # as it stands: a percent sign in it is no placeholder
