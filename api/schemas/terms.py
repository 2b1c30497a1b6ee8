"""Shapes of a campaign's terms: priority, pace, own limits, schedule. The rules are `domain.terms`'."""

from datetime import timedelta
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field, PlainSerializer

from api.schemas.common import ONE_LINE, Body
from domain import durations, schedule
from domain.platform import Budget
from domain.schedule import ALWAYS, Schedule, Window
from domain.terms import HIGHEST, LOWEST, NORMAL, Pace, Terms

LIMITS_EXAMPLE: dict[str, Any] = {"daily": {"invite": 30}, "gap": "20s"}
SCHEDULE_EXAMPLE: dict[str, Any] = {
    "start_at": "2026-03-02T06:00:00Z",
    "windows": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "18:00"}],
    "time_zone": "Europe/Moscow",
}


def _duration(value: object) -> timedelta:
    return value if isinstance(value, timedelta) else durations.duration(value)


def _written(value: timedelta | None) -> str | None:
    return None if value is None else durations.written(value)


def _minutes(text: str) -> str:
    schedule.minutes(text)
    return text


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration, json_schema_input_type=str),
    PlainSerializer(_written, return_type=str),
]
Clock = Annotated[str, AfterValidator(_minutes)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Priority = Annotated[int, Field(ge=HIGHEST, le=LOWEST, description="1 goes first, 5 last")]
PaceField = Annotated[
    Pace, Field(description="`even`: the daily limits are spread over the hours; `fast`: the safe pauses alone")
]


class LimitsBody(Body):
    """Limits of the campaign's own, for each account: they can only be lower than the platform's."""

    daily: dict[Budget, Annotated[int, Field(ge=0, le=1_000_000)]] = Field(
        {},
        description="actions of an account for this campaign in any 24 hours",
        examples=[{"invite": 30}],
    )
    gap: Duration | None = Field(None, description="shortest pause between two actions", examples=["20s"])


class WindowBody(Body):
    """Hours of some weekdays. A night is two windows: until 24:00, and from 00:00 on."""

    days: list[Weekday] = Field(list(get_args(Weekday)), min_length=1, max_length=7)
    begin: Clock = Field(alias="from", examples=["09:00"])
    end: Clock = Field(alias="to", examples=["18:00"])

    def domain(self) -> Window:
        """In the domain's words."""
        return Window(schedule.weekdays(self.days), schedule.minutes(self.begin), schedule.minutes(self.end))


class ScheduleBody(Body):
    """When the campaign may act: not before `start_at`, and only within the windows, if there are any."""

    start_at: AwareDatetime | None = None
    windows: list[WindowBody] = Field([], max_length=50)
    time_zone: Annotated[str, Field(min_length=1, max_length=64), ONE_LINE] = Field("UTC", examples=["Europe/Moscow"])

    def domain(self) -> Schedule:
        """In the domain's words."""
        return Schedule(self.start_at, tuple(each.domain() for each in self.windows), self.time_zone)


class TermsBody(Body):
    """What may be set at the start and changed later; what is not given stays, or is the default."""

    priority: Priority | None = None
    pace: PaceField | None = None
    limits: LimitsBody | None = Field(None, examples=[LIMITS_EXAMPLE])
    schedule: ScheduleBody | None = Field(None, examples=[SCHEDULE_EXAMPLE])

    def terms(self, before: Terms) -> Terms:
        """The terms after this."""
        limits, hours = self.limits, self.schedule
        return Terms(
            priority=before.priority if self.priority is None else self.priority,
            pace=before.pace if self.pace is None else self.pace,
            schedule=before.schedule if hours is None else hours.domain(),
            daily=before.daily if limits is None else limits.daily,
            gap=before.gap if limits is None else limits.gap or timedelta(0),
        )


class TermsOut(BaseModel):
    """A campaign's terms."""

    priority: int = NORMAL
    pace: Pace = Pace.EVEN
    limits: LimitsBody = Field(LimitsBody(daily={}, gap=None), examples=[LIMITS_EXAMPLE])
    schedule: ScheduleBody = Field(ScheduleBody(windows=[]), examples=[SCHEDULE_EXAMPLE])


def shown(terms: Terms) -> dict[str, Any]:
    """The fields of `TermsOut`."""
    return {
        "priority": terms.priority,
        "pace": terms.pace,
        "limits": LimitsBody(daily=dict(terms.daily), gap=terms.gap or None),
        "schedule": _schedule(terms.schedule),
    }


def _schedule(hours: Schedule) -> ScheduleBody:
    if hours == ALWAYS:
        return ScheduleBody(windows=[])
    windows = [
        {
            "days": [schedule.WEEKDAYS[day] for day in sorted(window.days)],
            "from": schedule.clock(window.begin),
            "to": schedule.clock(window.end),
        }
        for window in hours.windows
    ]
    return ScheduleBody.model_validate({"start_at": hours.start_at, "windows": windows, "time_zone": hours.zone})
