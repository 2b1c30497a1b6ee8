"""Whether what the API says is what happened: its numbers and lists beside the data centre's journal."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from devstack.demo.client import Json, Report
from devstack.telegram_dc.journal import Joined, Journal, Message, SessionDestroyed

BANNED = frozenset({"USER_DEACTIVATED_BAN", "USER_DEACTIVATED"})
ENDS = frozenset({"done", "done_with_errors"})
_NAMED = 5
"""So many people are named in a disagreement."""


@dataclass(frozen=True)
class Check:
    """One comparison: what we say, and what was seen."""

    what: str
    said: object
    seen: object

    @property
    def agrees(self) -> bool:
        """Whether it is the same."""
        return self.said == self.seen

    def __str__(self) -> str:
        """The disagreement in words."""
        return f"{self.what}: said {self.said}, seen {self.seen}"


@dataclass(frozen=True)
class Claims:
    """What the API says in the end. `stored`: people in the audience; `workflow`: the status from there."""

    stored: int
    status: Json
    workflow: Json
    report: Report


@dataclass(frozen=True)
class Truth:
    """What happened. `people`: user ids by username or phone; `expected`: how many the file holds, where we know.

    `quiet`: the journal's effects when a pause had settled, and when it ended. `told`: the accounts that
    integration-service was told of.
    """

    journal: Journal
    people: Mapping[str, int | None]
    expected: int | None = None
    quiet: tuple[int, int] | None = None
    told: frozenset[str] = frozenset()

    @cached_property
    def joined(self) -> Sequence[Joined]:
        """Who became a member."""
        return self.journal.of(Joined)

    @cached_property
    def messages(self) -> Sequence[Message]:
        """Who was written to."""
        return self.journal.of(Message)

    @cached_property
    def banned(self) -> frozenset[str]:
        """The accounts that Telegram banned."""
        return frozenset(each.account for each in self.journal.requests() if each.outcome in BANNED)

    def name(self, user_id: int) -> str:
        """Whom the id belongs to, as the file calls them."""
        return self._names.get(user_id, f"somebody else ({user_id})")

    @cached_property
    def _names(self) -> Mapping[int, str]:
        return {user_id: name for name, user_id in self.people.items() if user_id is not None}


def checks(claims: Claims, truth: Truth) -> list[Check]:
    """Every comparison; all must agree."""
    return [
        *_completeness(claims, truth),
        *_agreement(claims),
        *_effects(claims, truth),
        *_persons(claims, truth),
        *_accounts(claims, truth),
        *_uncertain(claims, truth),
        *_peace(truth),
    ]


def _completeness(claims: Claims, truth: Truth) -> Iterator[Check]:
    counts = claims.status["counts"]
    if truth.expected is not None:
        yield Check("people in the audience", claims.stored, truth.expected)
    yield Check("people in the campaign", counts["total"], claims.stored)
    yield Check("people settled", counts["processed"], claims.stored)
    yield Check("people left", counts["left"], 0)
    yield Check("sum of the outcomes", _sum(counts), counts["processed"])
    yield Check("the campaign has ended", claims.status["state"] in ENDS, True)


def _agreement(claims: Claims) -> Iterator[Check]:
    """Status, workflow, report and CSV tell the same."""
    for source, other in (("workflow", claims.workflow), ("report", claims.report.status)):
        for part, said in _gist(claims.status).items():
            yield Check(f"{part} from the status, and from the {source}", said, _gist(other)[part])
    rows = claims.report.not_reached
    in_json, in_csv = Counter(map(_cells, rows)), Counter(map(_cells, claims.report.rows))
    differing = [cells[0] or cells[1] for cells in (in_json - in_csv) + (in_csv - in_json)]
    yield Check("rows that differ between the JSON and the CSV report", "nobody", _some(differing))
    listed = Counter((row["outcome"], row["reason"]) for row in rows)
    counts = claims.status["counts"]
    counted = Counter(
        {(kind, why): n for kind in ("refused", "unreachable", "failed") for why, n in counts[kind].items()}
    )
    for kind in ("uncertain", "cancelled"):
        of_kind = sum(n for (each, _), n in listed.items() if each == kind)
        yield Check(f"people counted as {kind}, and listed so", counts[kind], of_kind)
    others = Counter({key: n for key, n in listed.items() if key[0] not in ("uncertain", "cancelled")})
    yield Check("people not reached by reason, and listed so", dict(counted), dict(others))


def _effects(claims: Claims, truth: Truth) -> Iterator[Check]:
    """The numbers of what was done, and what was done."""
    counts = claims.status["counts"]
    doubtful = _doubtful(claims, truth)
    joined = {each.user for each in truth.joined} - doubtful
    written = {each.to_user for each in truth.messages} - doubtful
    yield Check("invited", counts["invited"], len(joined))
    messaged = counts["messaged"] + counts["messaged_instead"] + counts["link_sent"]
    yield Check("messaged", messaged, len(written))
    yield Check("members before the campaign", counts["already_member"], 0)


def _persons(claims: Claims, truth: Truth) -> Iterator[Check]:
    """Nobody twice, nobody lost, nobody else."""
    joins = Counter(each.user for each in truth.joined)
    letters = Counter(each.to_user for each in truth.messages)
    touched = contacted(truth)
    yield _nobody("joined twice", truth, (user for user, times in joins.items() if times > 1))
    yield _nobody("written to twice", truth, (user for user, times in letters.items() if times > 1))
    yield _nobody("invited and written to", truth, set(joins) & set(letters))
    yield _nobody("contacted though not in the audience", truth, touched - set(truth.people.values()))
    without = _listed(claims, truth, lambda outcome: outcome != "uncertain")
    yield _nobody("listed as not reached, but contacted", truth, touched & without)
    if len(truth.people) == claims.stored:  # the file names nobody but them
        yield _nobody("lost: neither contacted nor listed as not reached", truth, silent(claims, truth))


def contacted(truth: Truth) -> set[int]:
    """Who became a member or was written to."""
    return {each.user for each in truth.joined} | {each.to_user for each in truth.messages}


def silent(claims: Claims, truth: Truth) -> set[int | None]:
    """Who was neither contacted nor listed as not reached. For a file that names nobody but the truth's people."""
    listed = {_key(row) for row in claims.report.not_reached}
    return {user for key, user in truth.people.items() if key not in listed} - contacted(truth)


def _accounts(claims: Claims, truth: Truth) -> Iterator[Check]:
    """Each account's line, and what it did."""
    doubtful = _doubtful(claims, truth)
    joined = Counter(each.by for each in truth.joined if each.user not in doubtful)
    written = Counter(each.by for each in truth.messages if each.to_user not in doubtful)
    known = {each["id"] for each in claims.status["accounts"]}
    for account in claims.status["accounts"]:
        name, done = account["id"], account["done"]
        messaged = done.get("messaged", 0) + done.get("messaged_instead", 0)
        yield Check(f"invited by {name}", done.get("invited", 0), joined[name])
        yield Check(f"messaged by {name}", messaged, written[name])
    yield Check("accounts at work that the status does not know", [], sorted({*joined, *written} - known))
    blocked = {each["id"] for each in claims.status["accounts"] if each["state"] == "blocked"}
    yield Check("blocked accounts, and those that Telegram banned", sorted(blocked), sorted(truth.banned))
    yield Check("blocked accounts that integration-service was told of", sorted(blocked), sorted(truth.told))


def _uncertain(claims: Claims, truth: Truth) -> Iterator[Check]:
    """Doubt is for what a ban cut off only."""
    rows = [row for row in claims.report.not_reached if row["outcome"] == "uncertain"]
    elsewhere = [_key(row) for row in rows if row["account_id"] not in truth.banned]
    yield Check("uncertain on an account that was not banned", "nobody", _some(elsewhere))


def _peace(truth: Truth) -> Iterator[Check]:
    destroyed = sorted({each.account for each in truth.journal.of(SessionDestroyed)})
    yield Check("sessions destroyed", "nobody", _some(destroyed))
    if truth.quiet is not None:
        settled, ended = truth.quiet
        yield Check("actions while paused", 0, ended - settled)


def _doubtful(claims: Claims, truth: Truth) -> set[int]:
    """Those of whom we say that we do not know: what happened to them is in none of our numbers."""
    return _listed(claims, truth, lambda outcome: outcome == "uncertain")


def _listed(claims: Claims, truth: Truth, wanted: Callable[[str], bool]) -> set[int]:
    found = (truth.people.get(_key(row)) for row in claims.report.not_reached if wanted(row["outcome"]))
    return {user for user in found if user is not None}


def _nobody(what: str, truth: Truth, users: Iterable[int | None]) -> Check:
    return Check(what, "nobody", _some([truth.name(user) for user in users if user is not None]))


def _some(names: Iterable[str]) -> str:
    found = sorted(names)
    shown = ", ".join(found[:_NAMED]) or "nobody"
    return shown + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")


def _sum(counts: Json) -> int:
    plain = ("invited", "already_member", "messaged", "messaged_instead", "link_sent", "uncertain", "cancelled")
    numbers: list[int] = [counts[kind] for kind in plain]
    for kind in ("refused", "unreachable", "failed"):
        numbers += counts[kind].values()
    return sum(numbers)


def _gist(status: Json) -> Json:
    """What must be the same wherever it is read: all but the moment."""
    accounts = [{key: each[key] for key in ("id", "label", "done", "errors")} for each in status["accounts"]]
    return {"state": status["state"], "counts": status["counts"], "accounts": accounts}


def _key(row: Mapping[str, Any]) -> str:
    return str(row["username"] or row["phone"] or row["user_id"])


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """A CSV's cell that could be a formula has an apostrophe before it."""
    columns = ("username", "phone", "first_name", "outcome", "reason", "account_id", "settled_at")
    return tuple(str(row[column] or "").removeprefix("'") for column in columns)
