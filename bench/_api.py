"""An API process for benchmarks: its settings, a token for it, and its memory."""

from pathlib import Path

from devstack.postgres import Postgres
from devstack.tokens import ALGORITHM, ISSUER, Issuer

_SECRET = "not-a-secret-but-long-enough-for-hs256"


def environment(postgres: Postgres) -> dict[str, str]:
    """Settings of an API that asks nobody but PostgreSQL."""
    return {
        "INVITE_DATABASE_URL": postgres.url("invite_api"),
        "INVITE_INTEGRATION_URL": "http://127.0.0.1:9",  # not asked
        "INVITE_JWT_ALGORITHM": ALGORITHM,
        "INVITE_JWT_SECRET": _SECRET,
        "INVITE_JWT_ISSUER": ISSUER,
        "INVITE_WEBHOOK_KEY": _SECRET,
        "INVITE_LOG_LEVEL": "WARNING",
        "INVITE_MAX_UPLOAD_BYTES": str(256 * 1024 * 1024),
    }


def token(owner: str) -> str:
    """The owner's."""
    return Issuer(_SECRET).token(owner)


def peak_mb(pid: int) -> float:
    """The most that was resident at any moment (VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000
