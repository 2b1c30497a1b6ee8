"""When a campaign is expected to end: as its plan says, which is made anew now and then; or why nobody can say."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.campaign import ENDS, Phase, Wanted
from domain.languages import by_language
from domain.why import Why

SHORTEST = timedelta(minutes=5)
PART = 0.03
"""A forecast serves for that part of the time that it names, and no shorter: to plan may take a second of computing."""


class Unknown(StrEnum):
    """Why no end is expected."""

    NOT_STARTED = "not_started"
    PAUSED = "paused"
    HELD = "held"
    NOT_PLANNED_YET = "not_planned_yet"
    NEVER = "never"
    ENDING = "ending"
    ENDED = "ended"


_SENTENCES: dict[Unknown, tuple[str, str]] = {
    Unknown.NOT_STARTED: (
        "The campaign has not been started. Its plan tells how long it would take.",
        "Кампания не запущена. Сколько она займёт, говорит её план.",
    ),
    Unknown.PAUSED: (
        "The campaign is paused. Its plan tells when it would end if it went on now.",
        "Кампания приостановлена. Когда она закончится, если продолжить её сейчас, говорит её план.",
    ),
    Unknown.HELD: (
        "The campaign waits for your word. Its plan tells when it would end if it went on now.",
        "Кампания ждёт вашего решения. Когда она закончится, если продолжить её сейчас, говорит её план.",
    ),
    Unknown.NOT_PLANNED_YET: (
        "It is planned as soon as the accounts have been read.",
        "План будет готов, как только станет известен список аккаунтов.",
    ),
    Unknown.NEVER: (
        "As it stands it would never end. Its plan tells what is missing.",
        "При нынешнем положении дел она не закончится. Чего не хватает, говорит её план.",
    ),
    Unknown.ENDING: ("Actions in flight are being settled.", "Завершаются начатые действия."),
    Unknown.ENDED: ("It has ended.", "Завершена."),
}


@dataclass(frozen=True)
class Forecast:
    """The end that was planned at `made_at`. `end`: None: never."""

    made_at: datetime
    end: datetime | None

    def stale(self, wanted_at: datetime, now: datetime) -> bool:
        """Whether it is to be made anew. `wanted_at`: when the owner last commanded or edited the campaign."""
        serves = SHORTEST if self.end is None else max((self.end - self.made_at) * PART, SHORTEST)
        return self.made_at <= wanted_at or self.made_at + serves <= now


def expected(forecast: Forecast | None, wanted: Wanted, phase: Phase, held: Why | None) -> datetime | Unknown:
    """When the campaign ends, or why that is not known."""
    if phase in ENDS:
        return Unknown.ENDED
    if wanted is not Wanted.RUN:
        return _WISHED[wanted]
    if held is not None:
        return Unknown.HELD
    if forecast is None:
        return Unknown.NOT_PLANNED_YET
    return Unknown.NEVER if forecast.end is None else forecast.end


_WISHED = {
    Wanted.NONE: Unknown.NOT_STARTED,
    Wanted.PAUSED: Unknown.PAUSED,
    Wanted.CANCELLED: Unknown.ENDING,
    Wanted.FINISHED: Unknown.ENDING,
}


def sentence(unknown: Unknown) -> dict[str, str]:
    """The reason in words, by language code."""
    return by_language(_SENTENCES[unknown])
