"""What the campaign's workflow was told of each account: its reviews answer the changes only (`domain.told`)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain import told
from domain.statistics import AccountLine
from domain.told import Mark

_MARKS = text("SELECT account_id, digest, changed_no FROM campaign_line WHERE campaign_id = :campaign")

_WRITE = text("""
    INSERT INTO campaign_line (campaign_id, account_id, owner, digest, changed_no)
    SELECT :campaign, id, :owner, digest, changed_no
    FROM unnest(CAST(:ids AS text[]), CAST(:digests AS text[]), CAST(:numbers AS bigint[]))
         AS changed (id, digest, changed_no)
    ON CONFLICT (campaign_id, account_id) DO UPDATE SET digest = excluded.digest, changed_no = excluded.changed_no
""")


@dataclass(frozen=True)
class Told:
    """The lines of one review, and who of their accounts is gone. `seen`, `more`: as in `Review`."""

    lines: list[AccountLine]
    gone: list[str]
    seen: int
    more: bool


async def tell(
    tx: AsyncConnection, owner: str, campaign: UUID, lines: Sequence[AccountLine], gone: Collection[str], seen: int
) -> Told:
    """The lines that changed after the number `seen`. The campaign's row is locked."""
    rows = await tx.execute(_MARKS, {"campaign": campaign})
    marks = {account_id: Mark(digest, no) for account_id, digest, no in rows.all()}
    digests = {line.account_id: told.digest(line, gone=line.account_id in gone) for line in lines}
    changed = told.remark(digests, marks, seen)
    if changed:
        await _write(tx, owner, campaign, changed)
    page = told.page({each: mark for each, mark in (marks | changed).items() if each in digests}, seen)
    now = frozenset(page.account_ids)
    return Told(
        lines=[line for line in lines if line.account_id in now],
        gone=[line.account_id for line in lines if line.account_id in now and line.account_id in gone],
        seen=page.seen,
        more=page.more,
    )


async def _write(tx: AsyncConnection, owner: str, campaign: UUID, marks: Mapping[str, Mark]) -> None:
    names = {
        "campaign": campaign,
        "owner": owner,
        "ids": list(marks),
        "digests": [mark.digest for mark in marks.values()],
        "numbers": [mark.no for mark in marks.values()],
    }
    await tx.execute(_WRITE, names)
