"""The wall clock."""

from datetime import UTC, datetime


class SystemClock:
    """The `Clock` port of a deployed process: the machine's time."""

    async def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)
