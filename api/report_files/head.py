"""What every written report has before its people."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.schemas.report import TotalsOut
from api.schemas.status import StatusOut
from domain.languages import Language


@dataclass(frozen=True)
class Head:
    """A report without its people. `note`: how final it is, by language code."""

    status: StatusOut
    totals: TotalsOut
    note: Mapping[str, str]
    language: Language
