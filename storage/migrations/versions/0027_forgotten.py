"""Old events go; who is erased is looked for in imports that go on."""

from pathlib import Path

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change everything. The script beside this file is frozen: later changes are migrations of their own."""
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(script)  # as it stands: a percent sign in it is no placeholder
