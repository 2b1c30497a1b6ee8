"""Shapes that several resources share."""

from datetime import datetime

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.languages import LANGUAGES
from domain.outcome import Reason as OutcomeReason
from domain.preflight import Preflight
from domain.sentences import sentence as outcome_sentence
from domain.why import EndedBy, Why, ended_by, ending, sentence


def _plain(text: str) -> str:
    if any((character < " " and character not in "\n\r\t") or character == "\x7f" for character in text):
        raise ValueError("Control characters are not allowed.")
    return text


def _one_line(text: str) -> str:
    if not _plain(text).isprintable():
        raise ValueError("Line breaks and control characters are not allowed.")
    return text


PLAIN = AfterValidator(_plain)
"""Text that a person wrote, of several lines perhaps."""
ONE_LINE = AfterValidator(_one_line)
"""A name, an id, a link."""


class Body(BaseModel):
    """A request's body: what is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class Words(BaseModel):
    """One sentence in each language."""

    en: str
    ru: str

    @classmethod
    def of(cls, sentences: dict[str, str]) -> "Words":
        """From a sentence by language."""
        return cls(**{language: sentences[language] for language in LANGUAGES})


class Advice(BaseModel):
    """Something that the owner should know. It stops nothing."""

    code: str = Field(examples=["slow_mode"])
    text: Words

    @classmethod
    def of(cls, code: str) -> "Advice":
        """From an outcome's reason."""
        return cls(code=code, text=Words.of(outcome_sentence(OutcomeReason(code))))


class Finding(Advice):
    """Something that the looks at a destination found, and how many accounts found it."""

    accounts: int


class PreflightOut(BaseModel):
    """What the accounts found at the destination, in all: `checked` of `accounts` could look, `may_invite` of those."""

    accounts: int
    checked: int
    may_invite: int
    may_not_invite: list[Finding] = Field(description="why the others may not")
    warnings: list[Finding] = Field(description="what you should know before the start, each once")

    @classmethod
    def of(cls, found: Preflight) -> "PreflightOut":
        """From the domain's."""
        return cls(
            accounts=found.accounts,
            checked=found.checked,
            may_invite=found.may_invite,
            may_not_invite=_findings(found.may_not_invite),
            warnings=_findings(found.warnings),
        )


def _findings(counts: dict[str, int]) -> list[Finding]:
    return [Finding(**Advice.of(code).model_dump(), accounts=accounts) for code, accounts in counts.items()]


class Ending(BaseModel):
    """What would end it."""

    code: EndedBy
    text: Words


class Reason(BaseModel):
    """Why something stands as it stands. `until`: when that ends by itself, if it does, and `ended_by`: by what.

    `to`: the campaign of a higher priority that is given way to.
    """

    code: str = Field(examples=["accounts_resting"])
    text: Words = Field(examples=[{"en": "All accounts rest at the moment.", "ru": "Сейчас все аккаунты отдыхают."}])
    since: datetime | None = None
    until: datetime | None = None
    ended_by: Ending
    to: str | None = None

    @classmethod
    def of(cls, why: str, since: datetime | None, until: datetime | None, to: str | None = None) -> "Reason":
        """From the domain's word."""
        by = ended_by(Why(why))
        end = Ending(code=by, text=Words.of(ending(by)))
        return cls(code=why, text=Words.of(sentence(Why(why))), since=since, until=until, ended_by=end, to=to)
