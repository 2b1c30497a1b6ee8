"""The world's accounts in Vault and integration-service, for the demonstration and for chaos."""

from datetime import UTC, datetime

from devstack.demo.world import World
from devstack.ports import HOST
from devstack.stack import Stack

PLATFORM = "telegram"
MADE_AT = datetime(2024, 1, 15, tzinfo=UTC)


def register(stack: Stack, world: World, owner: str, port: int) -> None:
    """Register all accounts of the world as the owner's; they reach the data centre at `port`."""
    for account in world.scenario.accounts:
        credentials = {
            "session": world.scenario.session_string(account.name, HOST, port),
            "api_id": str(account.api_id),
            "api_hash": account.api_hash,
        }
        stack.register_account(owner, PLATFORM, account.name, account.name.title(), credentials, MADE_AT)
