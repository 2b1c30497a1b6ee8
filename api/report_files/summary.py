"""The sheets of a workbook that hold numbers, as rows of cells."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from api.report_files.head import Head
from api.schemas.common import PreflightOut
from domain.campaign import State
from domain.headings import account_state_word, action_word, done_word, error_word, heading, state_word
from domain.languages import Language
from domain.platform import Action

Line = tuple[str | float, ...]


def summary(head: Head) -> Iterator[Line]:
    """The campaign, its counts, and the totals by action, reason and day."""
    language, status = head.language, head.status
    yield heading("campaign", language), status.name
    yield heading("state", language), state_word(State(status.state), language)
    yield heading("why", language), _words(status.why.text, language)
    yield heading("as_of", language), _moment(status.as_of)
    yield heading("note", language), head.note[language]
    yield ()
    for name, value in status.counts.model_dump().items():
        yield heading(name, language), sum(value.values()) if isinstance(value, dict) else value
    if status.membership is not None:
        yield ()
        yield (heading("memberships", language),)
        for name, value in status.membership.model_dump().items():
            yield heading(f"membership_{name}", language), value
    if status.preflight is not None:
        yield from _preflight(status.preflight, language)
    yield from _totals(head)


def _preflight(found: PreflightOut, language: Language) -> Iterator[Line]:
    yield ()
    yield heading("preflight", language), found.accounts
    yield heading("checked", language), found.checked
    yield heading("may_invite", language), found.may_invite
    for name, findings in (("may_not_invite", found.may_not_invite), ("warnings", found.warnings)):
        if findings:
            yield (heading(name, language),)
        for finding in findings:
            yield _words(finding.text, language), finding.accounts


def _totals(head: Head) -> Iterator[Line]:
    language, totals = head.language, head.totals
    people, reached = heading("recipients", language), heading("reached", language)
    yield ()
    yield heading("by_action", language), people, reached, heading("instead", language)
    for action in totals.by_action:
        word = action_word(Action(action.action), language)
        instead = heading("yes" if action.instead else "no", language)
        yield word, action.recipients, action.reached, instead
    yield ()
    yield heading("by_reason", language), people, heading("outcome", language), heading("reason", language)
    for reason in totals.by_reason:
        yield _words(reason.text, language), reason.recipients, reason.outcome, reason.reason
    yield ()
    yield f"{heading('by_day', language)} ({totals.time_zone})", people, reached
    for day in totals.by_day:
        yield day.day.isoformat(), day.recipients, day.reached


def accounts(head: Head) -> Iterator[Line]:
    """Each account of the campaign: how it stands, whom it settled, what went wrong. Those settled without one last."""
    language = head.language
    names = ("account_id", "label", "state", "why", "until", "recipients", "reached", "done", "errors", "warnings")
    yield tuple(heading(name, language) for name in names)
    settled = {each.account_id: (each.recipients, each.reached) for each in head.totals.by_account}
    for account in head.status.accounts:
        yield (
            account.id,
            account.label,
            account_state_word(account.state, language),
            _words(account.why.text, language),
            "" if account.why.until is None else _moment(account.why.until),
            *settled.pop(account.id, (0, 0)),
            _listed(account.done, done_word, language),
            _listed(account.errors, error_word, language),
            " ".join(_words(warning.text, language) for warning in account.warnings),
        )
    for gone, (recipients, reached) in settled.items():
        yield gone or heading("without_account", language), "", "", "", "", recipients, reached


def _words(words: Any, language: Language) -> str:
    return str(getattr(words, language))


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _listed(numbers: Mapping[str, int], word: Callable[[str, Language], str], language: Language) -> str:
    return "; ".join(f"{word(name, language)}: {n}" for name, n in numbers.items())
