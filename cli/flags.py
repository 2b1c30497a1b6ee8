"""The flags of a campaign, which `create`, `edit` and `plan` share, and what they are in the API's words."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from cli.api import Json

DEFAULTS: Json = {"platform": "telegram", "action": "invite"}
"""Of what the API wants to be told in any case."""
ALWAYS, NONE = "always", "none"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(?:(?P<days>\S+)\s+)?(?P<begin>\d\d:\d\d)-(?P<end>\d\d:\d\d)")

WHAT, MAKING, _TERMS, _MESSAGE = "What is done", "Making it", "Terms", "Message"

Platform = Annotated[str | None, typer.Option(help="Default: telegram.", rich_help_panel=WHAT)]
Action = Annotated[
    Literal["invite", "message", "add_contact"] | None, typer.Option(help="Default: invite.", rich_help_panel=WHAT)
]
Destination = Annotated[
    str | None, typer.Option("--destination", "-d", help="Group or channel: @name or a link.", rich_help_panel=WHAT)
]
WhenRefused = Annotated[
    bool | None,
    typer.Option(
        "--message-when-refused",
        help="Write to those whose settings refuse the invite.",
        rich_help_panel=WHAT,
    ),
]
ContactFirst = Annotated[
    bool | None,
    typer.Option(
        "--add-contact-first",
        help="Add everybody to the contacts before anything else.",
        rich_help_panel=WHAT,
    ),
]
DryRun = Annotated[
    bool | None,
    typer.Option("--dry-run", help="Every step and number; nothing is sent.", rich_help_panel=WHAT),
]
Accounts = Annotated[
    list[str] | None,
    typer.Option("--account", help="An account that may work; repeat it. Default: all.", rich_help_panel=WHAT),
]
Texts = Annotated[
    list[str] | None,
    typer.Option(
        "--text", "-t", help="What people get; repeat it for several, of which each gets one.", rich_help_panel=_MESSAGE
    ),
]
TextFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--text-file",
        exists=True,
        dir_okay=False,
        help="A text from a file; repeat it for several.",
        rich_help_panel=_MESSAGE,
    ),
]
Forward = Annotated[
    str | None, typer.Option(help="The link of a post to forward, in place of texts.", rich_help_panel=_MESSAGE)
]
Priority = Annotated[int | None, typer.Option(min=1, max=5, help="1 goes first, 5 last.", rich_help_panel=_TERMS)]
Pace = Annotated[
    Literal["even", "fast"] | None,
    typer.Option(help="Spread over the hours, or the safe pauses alone.", rich_help_panel=_TERMS),
]
Daily = Annotated[
    list[str] | None,
    typer.Option(metavar="ACTION=N", help="Own limit of each account, as invite=20; `none`.", rich_help_panel=_TERMS),
]
Gap = Annotated[str | None, typer.Option(help="Shortest pause between two actions, as 20s.", rich_help_panel=_TERMS)]
StartAt = Annotated[
    str | None,
    typer.Option(
        metavar="MOMENT", help="Not before: 2026-03-02T09:00, by --time-zone or your clock.", rich_help_panel=_TERMS
    ),
]
Hours = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HOURS",
        help="Only then: 'mon-fri 09:00-18:00', 'sat,sun 10:00-14:00'; `always` for any time.",
        rich_help_panel=_TERMS,
    ),
]
TimeZone = Annotated[
    str | None, typer.Option(metavar="ZONE", help="Of these hours, as Europe/Berlin.", rich_help_panel=_TERMS)
]
Key = Annotated[
    str | None, typer.Option(help="Idempotency-Key of an earlier try: it is made once.", rich_help_panel=MAKING)
]


def given(**values: Any) -> Json:
    """What was said; None and empty lists were not."""
    return {name: value for name, value in values.items() if value is not None and value != []}


def message(texts: Sequence[str] | None, files: Sequence[Path] | None, forward: str | None) -> Json | None:
    """A message, or None where no flag speaks of it."""
    written = [*(texts or ()), *(_text(file) for file in files or ())]
    return given(texts=written, forward=forward) or None


def limits(daily: Sequence[str] | None, gap: str | None) -> Json | None:
    """What is said of own limits, or None. Raises `BadParameter`."""
    said = given(gap=gap)
    if daily:
        said["daily"] = {} if daily == [NONE] else dict(_limit(each) for each in daily)
    return said or None


def schedule(start_at: str | None, hours: Sequence[str] | None, zone: str | None) -> Json | None:
    """What is said of a schedule, or None. A moment without an offset is of `zone`, or of this machine's.

    Raises `BadParameter`.
    """
    said = given(start_at=_moment(start_at, zone), time_zone=zone)
    if hours:
        said["windows"] = [] if hours == [ALWAYS] else [window(each) for each in hours]
    return said or None


def window(text: str) -> Json:
    """`mon-fri 09:00-18:00`, or `09:00-18:00` for every day. Raises `BadParameter`."""
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is not like 'mon-fri 09:00-18:00'.", param_hint="--hours")
    days = found["days"]
    return {"days": _days(days) if days else list(_DAYS), "from": found["begin"], "to": found["end"]}


def shown_schedule(value: Mapping[str, Any]) -> str:
    """A schedule of the API's in the words of the flags."""
    windows = [f"{','.join(each['days'])} {each['from']}-{each['to']}" for each in value["windows"]]
    return f"{'; '.join(windows)} ({value['time_zone']})" if windows else "at any hour"


def _days(text: str) -> list[str]:
    days: list[str] = []
    for part in text.lower().split(","):
        first, _, last = part.partition("-")
        if first not in _DAYS or (last or first) not in _DAYS:
            raise typer.BadParameter(f"{part!r}: days are {', '.join(_DAYS)}.", param_hint="--hours")
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        days += [_DAYS[n % len(_DAYS)] for n in range(begin, end + 1 + (len(_DAYS) if end < begin else 0))]
    return days


def _limit(text: str) -> tuple[str, int]:
    action, _, number = text.partition("=")
    if not number.isdecimal():
        raise typer.BadParameter(f"{text!r} is not like invite=20.", param_hint="--daily")
    return action, int(number)


def _moment(text: str | None, zone: str | None) -> str | None:
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not like 2026-03-02T09:00.", param_hint="--start-at") from None
    return (parsed if parsed.tzinfo else _local(parsed, zone)).isoformat()


def _local(moment: datetime, zone: str | None) -> datetime:
    if zone is None:
        return moment.astimezone()
    try:
        here: tzinfo = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise typer.BadParameter(f"There is no time zone {zone!r}.", param_hint="--time-zone") from None
    return moment.replace(tzinfo=here)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig").rstrip("\n")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not in UTF-8.", param_hint="--text-file") from None
