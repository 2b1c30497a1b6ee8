"""What the API asks of people before they are written to: what their columns hold, and whose text is too long."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.links import PERHAPS_RISKY, RISKY
from domain.message import columns_of
from domain.recipient import Person
from domain.rendering import BLANK, STANDARD, Column, longest, weights
from domain.template import Node, column_name, standing_for
from storage.engine import Database

_COLUMNS = 10_000
"""A list whose every element has keys of its own is no table: so many are known."""
_PAGE = 1_000
_PAGES = 20
"""So many pages of people whose text may be too long are looked at one by one; then it counts as too long."""

_PERSON = "position, username, phone, user_id, first_name, last_name, fields"


@dataclass(frozen=True)
class Crowd:
    """People who are written to, as a table has them. `still`: who of them; `line`: where their source has them."""

    id: UUID
    table: str = "audience_recipient"
    key: str = "audience_id"
    still: str = "true"
    line: str = "line"

    @classmethod
    def of_campaign(cls, campaign_id: UUID) -> "Crowd":
        """Those to whom it has not come yet: its own copies, whatever has become of the audience since."""
        return cls(campaign_id, "recipient", "campaign_id", "outcome IS NULL", "position + 1")

    @property
    def everybody(self) -> str:
        """Behind a SELECT: all of them, of one owner."""
        return f"FROM {self.table} WHERE {self.key} = :crowd AND owner = :owner"

    @property
    def people(self) -> str:
        """Behind a SELECT: those of them who are written to."""
        return f"{self.everybody} AND {self.still}"


@dataclass(frozen=True)
class Listed:
    """One of them. `line`: where the source has them; in a campaign, which of its people they are, from 1 on."""

    person: Person
    line: int


@dataclass(frozen=True)
class Longest:
    """A text that does not fit: how long it can become, and for whom; None: there are too many to say."""

    length: int
    listed: Listed | None


class Messages:
    """The store of what goes into messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def names(self, owner: str, crowd: Crowd) -> Sequence[str]:
        """The list's own columns, as its source writes them."""
        keys = text(f"SELECT DISTINCT jsonb_object_keys(fields) AS name {crowd.everybody} ORDER BY name LIMIT :most")
        async with self._database.owner(owner) as tx:
            return list(await tx.scalars(keys, {"crowd": crowd.id, "owner": owner, "most": _COLUMNS}))

    async def columns(
        self, owner: str, crowd: Crowd, used: Collection[str], names: Sequence[str]
    ) -> Mapping[str, Column]:
        """What those of the columns hold that are `used` and there at all. `names`: the list's own."""
        sources = {each: found for each in sorted(used) if (found := _sources(each, names))}
        if not sources:
            return {}
        query = _Query(crowd, owner)
        wanted = ", ".join(query.column(number, found) for number, found in enumerate(sources.values()))
        async with self._database.owner(owner) as tx:
            row = (await tx.execute(text(f"SELECT {wanted} {crowd.people}"), query.values)).mappings().one()
        return {each: _column(row, number) for number, each in enumerate(sources)}

    async def too_long(
        self,
        owner: str,
        crowd: Crowd,
        node: Node,
        columns: Mapping[str, Column],
        names: Sequence[str],
        allowed: int,
    ) -> Longest | None:
        """A text that would be longer than `allowed` UTF-16 units for somebody, if there is one."""
        bound = longest(node, columns)
        if bound <= allowed:
            return None
        query = _Query(crowd, owner)
        constant, times = weights(node)
        query.values |= {"constant": constant, "allowed": allowed, "limit": _PAGE}
        weight = " + ".join(
            [":constant", *(f"{n} * {query.units(_sources(each, names))}" for each, n in times.items())]
        )
        statement = text(f"""
            SELECT {_PERSON}, {crowd.line} AS line {crowd.people} AND position > :after AND {weight} > :allowed
            ORDER BY position LIMIT :limit
        """)
        after = -1
        async with self._database.owner(owner) as tx:
            for _ in range(_PAGES):
                people = await _people(tx, statement, query.values | {"after": after})
                for each in people:
                    length = longest(node, columns_of(each.person))
                    if length > allowed:
                        return Longest(length, each)
                if len(people) < _PAGE:
                    return None
                after = people[-1].person.position
        return Longest(bound, None)

    async def people(self, owner: str, crowd: Crowd, after: int, limit: int) -> Sequence[Listed]:
        """Some of the people, from behind the position `after`."""
        statement = f"SELECT {_PERSON}, {crowd.line} AS line {crowd.people} AND position > :after"
        names = {"crowd": crowd.id, "owner": owner, "after": after, "limit": limit}
        async with self._database.owner(owner) as tx:
            return await _people(tx, text(f"{statement} ORDER BY position LIMIT :limit"), names)


class _Query:
    """Puts a statement over columns together; whatever an owner has named goes in as a parameter."""

    def __init__(self, crowd: Crowd, owner: str) -> None:
        self.values: dict[str, object] = {"crowd": crowd.id, "owner": owner}

    def column(self, number: int, sources: Sequence[str]) -> str:
        """What `Column` wants to know, of a column that comes from one source or the other."""
        self.values |= {"blank": f"[^{BLANK}]", "perhaps": PERHAPS_RISKY, "risky": RISKY}
        found = [self._value(source) for source in sources]
        empty = " AND ".join(_may_be_gone(source, f"{self._value(source)} !~ :blank") for source in sources)
        varied = " OR ".join(f'min({value} COLLATE "C") <> max({value} COLLATE "C")' for value in found)
        risky = " OR ".join(f"{value} ~ :perhaps AND {value} ~ :risky" for value in found)
        return (
            f"max({self.units(sources)}) AS longest_{number}, bool_or({empty}) AS empty_{number}, "
            f"({varied}) AS varied_{number}, bool_or({risky}) AS risky_{number}"
        )

    def units(self, sources: Sequence[str]) -> str:
        """No fewer than the value's UTF-16 units: a letter has one or two, and as many bytes of UTF-8 at least."""
        bounds = [f"least(octet_length({v}), 2 * char_length({v}))" for v in map(self._value, sources)]
        return f"greatest({', '.join(bounds)})" if bounds else "0"

    def _value(self, source: str) -> str:
        if source in STANDARD:
            return f"coalesce(CAST({source} AS text), '')"
        place = next((name for name, value in self.values.items() if name.startswith("key_") and value == source), None)
        place = place or f"key_{len(self.values)}"
        self.values[place] = source
        return f"coalesce(fields ->> CAST(:{place} AS text), '')"


def _sources(column: str, names: Sequence[str]) -> list[str]:
    """Where a column's value may come from: what every audience has, and columns of its own."""
    standard = column if column in STANDARD else standing_for(column)
    return ([standard] if standard else []) + [name for name in names if column_name(name) == column]


def _may_be_gone(source: str, empty: str) -> str:
    """Whoever is found by phone in the end has a username that nobody has: it is not written to them."""
    return f"({empty} OR phone IS NOT NULL)" if source == "username" else empty


def _column(row: RowMapping, number: int) -> Column:
    return Column(
        longest=row[f"longest_{number}"] or 0,
        some_empty=row[f"empty_{number}"] is not False,
        varied=bool(row[f"varied_{number}"]),
        risky=bool(row[f"risky_{number}"]),
    )


async def _people(tx: AsyncConnection, statement: object, names: Mapping[str, object]) -> list[Listed]:
    rows = (await tx.execute(statement, names)).mappings()  # type: ignore[call-overload]
    return [Listed(Person(**{name: row[name] for name in _FIELDS}), row["line"]) for row in rows]


_FIELDS = ("position", "username", "phone", "user_id", "first_name", "last_name", "fields")
