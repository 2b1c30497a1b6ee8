"""`python -m devstack.integration_service --port N`: secrets and state file come from the environment."""

import argparse
import os
import sys
from pathlib import Path

import uvicorn
from pydantic import ValidationError

from devstack.integration_service.app import build
from devstack.integration_service.store import Store
from devstack.ports import HOST

SETTINGS = {
    "INTEGRATION_JWT_SECRET": "verifies owners' and services' tokens (HS256)",
    "INTEGRATION_ADMIN_TOKEN": "for registering accounts and reading reports",
    "INTEGRATION_STATE_FILE": "JSON file that keeps accounts and reports over a restart",
}


def main() -> None:
    """Serve until a signal; one line and status 2 when a setting is missing or the state unreadable."""
    parser = argparse.ArgumentParser(
        prog="python -m devstack.integration_service",
        description="integration-service's stand-in.",
        epilog="environment: " + "; ".join(f"{name}: {text}" for name, text in SETTINGS.items()),
    )
    parser.add_argument("--port", type=int, required=True, help=f"TCP port on {HOST}")
    port = parser.parse_args().port
    if missing := [name for name in SETTINGS if not os.environ.get(name)]:
        parser.error(f"set {', '.join(missing)}")
    secret, admin_token, state_file = (os.environ[name] for name in SETTINGS)
    try:
        store = Store(Path(state_file))
    except (OSError, ValidationError) as error:
        sys.exit(f"{state_file} cannot be read: {error}")
    uvicorn.run(build(store, secret, admin_token), host=HOST, port=port, log_level="info")


if __name__ == "__main__":
    main()
