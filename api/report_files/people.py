"""One recipient as a row of a table: the same in CSV and in a workbook."""

from api.schemas.report import WAITING
from domain.headings import heading
from domain.languages import Language
from domain.sentences import explanation
from storage.reports import PersonLine

_COLUMNS = (
    "username",
    "phone",
    "user_id",
    "first_name",
    "last_name",
    "outcome",
    "reason",
    "text",
    "account_id",
    "settled_at",
    "membership",
)


def header(language: Language) -> tuple[str, ...]:
    """The columns' names."""
    return tuple(heading(column, language) for column in _COLUMNS)


def cells(person: PersonLine, language: Language) -> tuple[str, ...]:
    """What stands in the columns."""
    return (
        person.username or "",
        person.phone or "",
        "" if person.user_id is None else str(person.user_id),
        person.first_name,
        person.last_name,
        person.outcome or WAITING,
        person.reason or "",
        explanation(person.outcome, person.reason)[language],
        person.account_id or "",
        "" if person.settled_at is None else person.settled_at.isoformat().replace("+00:00", "Z"),  # as in JSON
        person.membership or "",
    )
