"""Shares of what a client application may ask of its platform a second: no owner's rows, behind functions only."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and its functions. The script beside this file is frozen."""
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(script)  # as it stands: a percent sign in it is no placeholder
