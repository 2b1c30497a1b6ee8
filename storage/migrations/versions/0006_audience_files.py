"""Audiences: which line a duplicate repeats; owners may delete them."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column, and the API's right to delete. It must be able to lock an audience, which takes a right to update."""
    op.execute("ALTER TABLE audience_dropped ADD COLUMN same_as INTEGER")
    op.execute("GRANT DELETE ON audience, audience_recipient, audience_dropped TO invite_api")
    op.execute("GRANT UPDATE (name) ON audience TO invite_api")
