"""`python -m devstack.parsing_service --port N`: the secret and the folder come from the environment."""

import argparse
import os
from pathlib import Path

import uvicorn

from devstack.parsing_service.app import build
from devstack.ports import HOST

SETTINGS = {
    "PARSING_JWT_SECRET": "verifies owners' and services' tokens (HS256)",
    "PARSING_ADMIN_TOKEN": "for putting data there, and for faults",
    "PARSING_FOLDER": "where the data are kept, a JSON file each",
}


def main() -> None:
    """Serve until a signal; one line and status 2 when a setting is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m devstack.parsing_service",
        description="parsing-service's stand-in.",
        epilog="environment: " + "; ".join(f"{name}: {text}" for name, text in SETTINGS.items()),
    )
    parser.add_argument("--port", type=int, required=True, help=f"TCP port on {HOST}")
    port = parser.parse_args().port
    if missing := [name for name in SETTINGS if not os.environ.get(name)]:
        parser.error(f"set {', '.join(missing)}")
    secret, admin_token, folder = (os.environ[name] for name in SETTINGS)
    uvicorn.run(build(Path(folder), secret, admin_token), host=HOST, port=port, log_level="info")


if __name__ == "__main__":
    main()
