"""Names by which workflows, runs and queues are found."""

from uuid import UUID

HOUSEKEEPING_SCHEDULE = "housekeeping"
MEMBERSHIP_SCHEDULE = "membership"
RETENTION_SCHEDULE = "retention"


def campaign(campaign_id: str | UUID) -> str:
    """Workflow id of a campaign."""
    return f"campaign/{campaign_id}"


def account_run(campaign_id: str | UUID, account_id: str) -> str:
    """Workflow id of one account's run in a campaign."""
    return f"campaign/{campaign_id}/account/{account_id}"


def audience_import(audience_id: str | UUID) -> str:
    """Workflow id of the import of an audience."""
    return f"audience-import/{audience_id}"


def webhook(owner: str, campaign_id: str | None) -> str:
    """Workflow id of what tells an owner's server of a campaign; None: of the pings."""
    return f"webhook/{owner}/ping" if campaign_id is None else f"webhook/{campaign_id}"


def admin_check(owner: str, check_id: str | UUID) -> str:
    """Workflow id of an admin check on its own. The owner is part of it: another owner's id finds nothing."""
    return f"admin-check/{owner}/{check_id}"
