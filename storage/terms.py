"""A campaign's terms as its row has them: `priority`, `pace`, and `schedule` and `limits` as JSON."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.platform import Budget
from domain.schedule import Schedule, Window
from domain.terms import Pace, Terms


def columns(terms: Terms) -> dict[str, Any]:
    """The row's values."""
    return {
        "priority": terms.priority,
        "pace": terms.pace.value,
        "schedule": _schedule(terms.schedule),
        "limits": {
            "daily": {budget.value: amount for budget, amount in terms.daily.items()},
            "gap_ms": round(terms.gap / timedelta(milliseconds=1)),
        },
    }


def terms(row: Mapping[Any, Any]) -> Terms:
    """From the row."""
    limits = row["limits"]
    return Terms(
        priority=row["priority"],
        pace=Pace(row["pace"]),
        schedule=schedule(row["schedule"]),
        daily={Budget(name): amount for name, amount in limits.get("daily", {}).items()},
        gap=timedelta(milliseconds=limits.get("gap_ms", 0)),
    )


def schedule(stored: Mapping[str, Any]) -> Schedule:
    """From its JSON; {} is one without a start and without hours."""
    start_at = stored.get("start_at")
    return Schedule(
        start_at=None if start_at is None else datetime.fromisoformat(start_at),
        windows=tuple(
            Window(frozenset(each["days"]), each["begin"], each["end"]) for each in stored.get("windows", ())
        ),
        zone=stored.get("zone", "UTC"),
    )


def _schedule(schedule: Schedule) -> dict[str, Any]:
    return {
        "start_at": None if schedule.start_at is None else schedule.start_at.astimezone(UTC).isoformat(),
        "windows": [
            {"days": sorted(window.days), "begin": window.begin, "end": window.end} for window in schedule.windows
        ],
        "zone": schedule.zone,
    }
