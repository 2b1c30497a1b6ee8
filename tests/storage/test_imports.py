"""Imports on the real PostgreSQL: nothing twice, nothing lost, whole or not at all."""

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest

from domain.audience import Contact, DropReason, FileError, FileLimits, ImportFault, Line
from domain.errors import NotFound
from domain.parsed import ParsedPage
from storage.imports import Imports
from tests.storage.test_lanes import EVERY
from tests.storage.world import OWNER, World


def page(content: str, rows: int, cursor: str | None) -> ParsedPage:
    return ParsedPage(content, rows, "telegram", None, cursor)


async def begun(world: World) -> tuple[Imports, object]:
    imports = Imports(world.worker, FileLimits(cell=100))
    return imports, await Imports(world.api, FileLimits()).begin(OWNER, "x", "chat-1", None, world.now)


async def keep(imports: Imports, audience: object, rows: list[dict[str, object]], cursor: str | None) -> None:
    place = await imports.place(OWNER, audience)
    await imports.keep(OWNER, audience, place, page(json.dumps(rows), len(rows), cursor))


async def test_pages_are_cleaned_as_one_file_and_none_counts_twice(world: World) -> None:
    imports, audience = await begun(world)
    first = await imports.place(OWNER, audience)
    for _ in range(2):  # a try that does not know that an earlier one was through
        await imports.keep(OWNER, audience, first, page('["@anna", "?"]', 2, "c"))
    second = await imports.place(OWNER, audience)
    assert (second.cursor, second.number, second.rows_read) == ("c", 1, 2)
    await imports.keep(
        OWNER, audience, second, page('[{"username": "ANNA", "user_id": 5, "seen_by_account_id": "a"}]', 1, None)
    )
    assert (await imports.place(OWNER, audience)).fetched
    await imports.finish(OWNER, audience)
    stored = await world.audiences.get(OWNER, audience)
    assert (stored.rows_read, stored.stored) == (3, 1)
    assert stored.reasons == {DropReason.NOT_A_NAME: 1, DropReason.DUPLICATE: 1}
    [person] = await world.query("SELECT username, user_id, seen_by, line FROM audience_recipient")
    assert person == {"username": "anna", "user_id": 5, "seen_by": "a", "line": 1}
    assert [each.line for each in await world.audiences.dropped(OWNER, audience, 0, 9)] == [2, 3]
    assert await world.query("SELECT FROM audience_page") == []
    with pytest.raises(NotFound):
        await imports.finish(OWNER, audience)


async def test_two_that_finish_it_make_it_once(world: World) -> None:
    imports, audience = await begun(world)
    await imports.keep(OWNER, audience, await imports.place(OWNER, audience), page('["@anna"]', 1, None))
    done = await asyncio.gather(*(imports.finish(OWNER, audience) for _ in range(2)), return_exceptions=True)
    assert sorted(isinstance(each, NotFound) for each in done) == [False, True]
    assert len(await world.query("SELECT FROM audience_recipient")) == 1


async def test_a_broken_row_leaves_nothing_half_made(world: World) -> None:
    imports, audience = await begun(world)
    await imports.keep(OWNER, audience, await imports.place(OWNER, audience), page('["@anna"]', 1, "c"))
    await imports.keep(OWNER, audience, await imports.place(OWNER, audience), page(f'["{"x" * 200}"]', 1, None))
    with pytest.raises(FileError):
        await imports.finish(OWNER, audience)
    assert await world.query("SELECT FROM audience_recipient") == []
    await imports.fail(OWNER, audience, ImportFault.UNREADABLE)
    assert await world.query("SELECT FROM audience_page") == []


async def test_one_that_was_deleted_is_over(world: World) -> None:
    imports, audience = await begun(world)
    place = await imports.place(OWNER, audience)
    await world.audiences.delete(OWNER, audience)
    with pytest.raises(NotFound):
        await imports.keep(OWNER, audience, place, page('["@anna"]', 1, None))
    assert await world.query("SELECT FROM audience_page") == []


async def test_a_person_known_by_id_waits_for_the_account_that_has_seen_them(world: World) -> None:
    await world.campaign(
        [Contact(user_id=5, seen_by="a"), Contact(user_id=6), Contact("vera", seen_by="b")], reaches=EVERY
    )
    rows = await world.query("SELECT lane, bound_to, bound_hard FROM queue ORDER BY position")
    assert rows == [
        {"lane": "user_id", "bound_to": "a", "bound_hard": True},
        {"lane": "username", "bound_to": None, "bound_hard": False},
    ]


async def test_whoever_an_account_of_nobody_has_seen_does_not_keep_the_campaign_waiting(world: World) -> None:
    campaign = await world.campaign([Contact(user_id=5, seen_by="strange"), Contact("vera")], reaches=EVERY)
    await world.do("UPDATE campaign SET accounts_checked_at = %s", world.now)
    await world.runs.review(OWNER, campaign, None, world.now)
    rows = await world.query("SELECT outcome, reason FROM recipient ORDER BY position")
    assert rows == [{"outcome": "unreachable", "reason": "account_gone"}, {"outcome": None, "reason": None}]


class TestErasing:
    """Whoever is erased while an import goes on."""

    @pytest.fixture
    async def waiting(self, world: World) -> object:
        """Two pages of an import that goes on."""
        imports, audience = await begun(world)
        rows = [
            {"username": "t.me/Galya_K", "phone": None, "note": "g"},
            {"username": "anna", "phone": "+7 900 000-00-01", "note": "not galya_kk"},
            {"username": None, "phone": "8\u00a0900\u00a0123 45 67"},  # no country: a row that will not be taken
            {"username": "boris", "user_id": 9_001_234_567},
        ]
        await keep(imports, audience, rows, "c")
        await keep(
            imports,
            audience,
            [{"username": "\tGALYA_K", "phone": "+7\u00a0900\u00a0123-45-67"}, {"username": None, "note": "Галя_k"}],
            "d",
        )
        return audience

    async def test_their_rows_are_emptied_under_every_name(self, world: World, waiting: object) -> None:
        erased = await world.erasing.erase(OWNER, "username:galya_k", world.now)
        assert erased.listed == 3, "the first page's first and third row, the second one's first"
        contents = " ".join(row["content"] for row in await world.query("SELECT content FROM audience_page"))
        assert 'galya_k"' not in contents.lower()
        assert "123" not in contents.replace("9001234567", "")
        imports = Imports(world.worker, FileLimits())
        await keep(imports, waiting, [{"username": "vera"}], None)
        await imports.finish(OWNER, waiting)
        rows = await world.query("SELECT line, username, user_id FROM audience_recipient ORDER BY line")
        assert [(row["line"], row["username"]) for row in rows] == [(2, "anna"), (4, "boris"), (7, "vera")]
        assert (await world.audiences.get(OWNER, waiting)).rows_read == 7

    async def test_an_owner_without_imports_and_another_owner(self, world: World, waiting: object) -> None:
        before = await world.query("SELECT content FROM audience_page ORDER BY number")
        assert (await world.erasing.erase("boris", "username:galya_k", world.now)).listed == 0
        assert await world.query("SELECT content FROM audience_page ORDER BY number") == before

    async def test_what_comes_in_at_the_same_moment_is_waited_for(self, world: World) -> None:
        """A list that is being stored when its person is erased; and a campaign that is being made."""
        read, go_on = threading.Event(), threading.Event()

        def slow() -> Iterator[Line]:
            yield Line(1, "galya_k", Contact("galya_k"))
            read.set()
            go_on.wait(10)

        storing = asyncio.create_task(world.audiences.store(OWNER, "list", slow(), world.now, 10))
        await asyncio.to_thread(read.wait, 10)
        erasing = asyncio.create_task(world.erasing.erase(OWNER, "username:galya_k", world.now))
        await asyncio.wait([erasing], timeout=0.3)
        assert not erasing.done()
        theirs = await world.erasing.erase("boris", "username:galya_k", world.now)  # of no concern to others
        assert theirs.listed == 0
        go_on.set()
        assert (await erasing).listed == 1
        assert (await world.audiences.get(OWNER, (await storing).id)).stored == 0
