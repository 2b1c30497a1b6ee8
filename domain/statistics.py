"""A campaign in numbers: one schema for the status, the workflow's query and the report, made from the counters."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.membership import Memberships
from domain.outcome import Kind
from domain.preflight import Preflight


@dataclass(frozen=True)
class Count:
    """A counter's row. `final`: the recipient was settled by it; else it was one step on the way."""

    account_id: str
    action: str
    instead: bool
    kind: str
    reason: str
    final: bool
    n: int


@dataclass(frozen=True)
class AccountLine:
    """One account in a campaign. `done`: actions by kind. `errors`: by reason. `until`: end of the present wait.

    `warnings`: what the look at the destination found that the owner should know. `to`: the campaign that it gives way
    to.
    """

    account_id: str
    state: str
    why: str
    since: datetime | None
    until: datetime | None
    warnings: list[str] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    to: str | None = None


@dataclass(frozen=True)
class Numbers:
    """Recipients by what became of them; `processed` + `left` = `total`, and every recipient is in one number.

    Only `contacts_added` counts actions: adding a contact may be a step before the campaign's own.
    """

    total: int
    processed: int
    left: int
    invited: int
    already_member: int
    messaged: int
    messaged_instead: int
    link_sent: int
    refused: dict[str, int]
    unreachable: dict[str, int]
    failed: dict[str, int]
    uncertain: int
    cancelled: int
    skipped: dict[str, int] = field(default_factory=dict)
    contacts_added: int = 0
    forwarded: int = 0
    forwarded_instead: int = 0

    @property
    def percent(self) -> float:
        """Processed of all, 0 to 100, two decimals."""
        return round(100 * self.processed / self.total, 2) if self.total else 100.0


@dataclass(frozen=True)
class Snapshot:
    """A campaign at one moment. `per_minute`: recipients settled per minute over the last minutes of work.

    `to`: the campaign that all its accounts give way to. `preflight`: what its accounts found at the destination, in
    all; `membership`: who of those invited has stayed there; None where there is none.
    """

    campaign_id: str
    state: str
    why: str
    since: datetime | None
    until: datetime | None
    as_of: datetime
    numbers: Numbers
    accounts: list[AccountLine]
    per_minute: float
    expected_end: datetime | None
    to: str | None = None
    preflight: Preflight | None = None
    membership: Memberships | None = None


def numbers(total: int, counts: Iterable[Count]) -> Numbers:
    """Add the counters up to recipients."""
    counts = list(counts)
    final = [each for each in counts if each.final]
    by_kind: Counter[tuple[str, bool]] = Counter()
    reasons: dict[str, Counter[str]] = {}
    for each in final:
        by_kind[each.kind, each.instead] += each.n
        reasons.setdefault(each.kind, Counter())[each.reason] += each.n
    processed = sum(by_kind.values())

    def of(kind: Kind) -> int:
        return by_kind[kind.value, False] + by_kind[kind.value, True]

    return Numbers(
        total=total,
        processed=processed,
        left=total - processed,
        invited=of(Kind.INVITED),
        already_member=of(Kind.ALREADY_MEMBER),
        messaged=by_kind[Kind.MESSAGED.value, False],
        messaged_instead=by_kind[Kind.MESSAGED.value, True],
        link_sent=of(Kind.LINK_SENT),
        refused=dict(reasons.get(Kind.REFUSED, {})),
        unreachable=dict(reasons.get(Kind.UNREACHABLE, {})),
        failed=dict(reasons.get(Kind.FAILED, {})),
        uncertain=of(Kind.UNCERTAIN),
        cancelled=of(Kind.CANCELLED),
        skipped=dict(reasons.get(Kind.SKIPPED, {})),
        forwarded=by_kind[Kind.FORWARDED.value, False],
        forwarded_instead=by_kind[Kind.FORWARDED.value, True],
        contacts_added=sum(each.n for each in counts if each.kind == Kind.CONTACT_ADDED),
    )


def done_by(counts: Sequence[Count], account_id: str) -> dict[str, int]:
    """What the account did, by outcome; a message that replaced an invite apart."""
    done: Counter[str] = Counter()
    for each in counts:
        if each.account_id == account_id and each.kind in _DONE:
            done[f"{each.kind}_instead" if each.instead else each.kind] += each.n
    return dict(done)


def errors_of(counts: Sequence[Count], account_id: str) -> dict[str, int]:
    """What went wrong on the account, by reason."""
    errors: Counter[str] = Counter()
    for each in counts:
        if each.account_id == account_id and each.kind in _ERRORS:
            errors[each.reason or each.kind] += each.n
    return dict(errors)


_DONE = frozenset(
    (
        Kind.INVITED,
        Kind.ALREADY_MEMBER,
        Kind.MESSAGED,
        Kind.FORWARDED,
        Kind.CONTACT_ADDED,
        Kind.LINK_SENT,
        Kind.REFUSED,
        Kind.UNREACHABLE,
    )
)
_ERRORS = frozenset(
    (Kind.RATE_LIMITED, Kind.LIMITED, Kind.BLOCKED, Kind.NOT_ADMIN, Kind.UNAVAILABLE, Kind.UNCERTAIN, Kind.FAILED)
)
