"""Which accounts could not forward the campaign's post."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The worker may write every column of this table."""
    op.execute("ALTER TABLE campaign_account ADD COLUMN post_unseen_no INTEGER")
