"""What an audience's columns hold, and whose text is too long: what the database says is what its people say."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.audience import Contact, Line
from domain.errors import TooMany
from domain.links import RISKY, is_risky
from domain.message import Message, budget, columns_of
from domain.platform import Action, Identifier
from domain.recipient import Person
from domain.rendering import longest, placeholders, values
from domain.template import parse
from storage.campaigns import NewCampaign
from storage.messages import Crowd, Messages
from storage.test_messages import NO_AUDIENCE, ToOneself
from tests.domain.templates import people, sources
from tests.domain.templates import values as any_values
from tests.storage.world import HOUR, MESSAGED, OWNER, PLATFORM, World

NUL = "\0"
"""Readers of files take it out: PostgreSQL has no such character."""


async def audience(world: World, *contacts: Contact) -> Crowd:
    lines = [Line(number + 10, "x", contact) for number, contact in enumerate(contacts)]
    return Crowd((await world.audiences.store(OWNER, "list", lines, world.now, 1_000_000)).id)


ANNA = Contact("anna", first_name="Анна", fields={"Город ": "Москва", "e": "👍👍", "site": "https://example.com"})
BORIS = Contact("boris", phone="+79990000001", first_name="Борис", last_name="Б", fields={"Город ": "Москва"})


async def test_columns(world: World) -> None:
    messages = Messages(world.api)
    found = await audience(world, ANNA, BORIS)
    names = await messages.names(OWNER, found)
    assert sorted(names) == ["e", "site", "Город "]
    used = {"first_name", "имя", "город", "e", "site", "last_name", "user_id", "unknown"}
    columns = await messages.columns(OWNER, found, used, names)
    assert set(columns) == used - {"unknown"}
    assert columns["first_name"] == columns["имя"]
    assert (columns["first_name"].some_empty, columns["first_name"].varied, columns["first_name"].risky) == (
        False,
        True,
        False,
    )
    assert 5 <= columns["first_name"].longest <= 10
    assert (columns["город"].some_empty, columns["город"].varied) == (False, False)
    assert (columns["e"].some_empty, columns["e"].longest) == (True, 4)
    assert (columns["site"].risky, columns["site"].some_empty) == (True, True)
    assert (columns["user_id"].longest, columns["user_id"].some_empty, columns["user_id"].varied) == (0, True, False)
    assert await messages.columns(OWNER, found, set(), names) == {}


async def test_a_username_may_be_gone_when_it_is_written(world: World) -> None:
    """Whoever is looked up by phone has none any more."""
    for person, gone in ((ANNA, False), (BORIS, True)):
        found = await audience(world, person)
        columns = await Messages(world.api).columns(OWNER, found, {"username", "ник"}, [])
        assert (columns["username"].some_empty, columns["ник"].some_empty) == (gone, gone)
        own = columns_of(Person(0, person.username, person.phone))
        assert (own["username"].some_empty, own["ник"].some_empty) == (gone, gone)


async def test_another_owner_sees_nothing(world: World) -> None:
    found = await audience(world, ANNA)
    assert await Messages(world.api).names("boris", found) == []
    assert await Messages(world.api).people("boris", found, -1, 10) == []


async def test_whose_text_is_too_long(world: World) -> None:
    messages = Messages(world.api)
    long = Contact("vera", first_name="В" * 50, fields={"Город ": "Я" * 50})
    found = await audience(world, ANNA, *(Contact(f"p_{n}", first_name="Д" * 60) for n in range(9)), long)
    names = await messages.names(OWNER, found)
    node = parse("{a|bb} {{first_name}} {{город|?}}")
    columns = await messages.columns(OWNER, found, {"first_name", "город"}, names)
    assert longest(node, columns) > 104
    assert await messages.too_long(OWNER, found, node, columns, names, 104) is None
    too_long = await messages.too_long(OWNER, found, node, columns, names, 103)
    assert too_long is not None
    assert too_long.listed is not None
    assert (too_long.length, too_long.listed.person.username, too_long.listed.line) == (104, "vera", 20)


async def test_too_many_to_look_at_are_too_long(world: World) -> None:
    """Nobody's text is, but the database's bound says it of everybody: the fallback is long, and used by nobody."""
    messages = Messages(world.api)
    found = await audience(world, *(Contact(f"p_{n}", first_name="А") for n in range(21_000)), Contact("anna"))
    node = parse("{{first_name|" + "x" * 98 + "}}!")
    columns = await messages.columns(OWNER, found, {"first_name"}, [])
    too_long = await messages.too_long(OWNER, found, node, columns, [], 98)
    assert too_long is not None
    assert (too_long.length, too_long.listed) == (99, None)
    assert await messages.too_long(OWNER, found, node, columns, [], 99) is None


@settings(max_examples=25, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sources, st.lists(people(), min_size=1, max_size=4), st.integers(1, 40))
async def test_the_database_says_what_the_people_say(
    world: World, source: str, crowd: list[Person], allowed: int
) -> None:
    crowd = [
        Person(
            n,
            f"person_{n}",
            first_name=each.first_name.replace(NUL, ""),
            fields={k: v.replace(NUL, "") for k, v in each.fields.items()},
        )
        for n, each in enumerate(crowd)
    ]
    messages, node = Messages(world.api), parse(source)
    found = await audience(
        world, *(Contact(each.username, first_name=each.first_name, fields=each.fields) for each in crowd)
    )
    names = await messages.names(OWNER, found)
    used = {each.column for each in placeholders(node)}
    columns = await messages.columns(OWNER, found, used, names)
    assert [each.person for each in await messages.people(OWNER, found, -1, 10)] == crowd
    for person in crowd:
        own = columns_of(person)
        assert longest(node, own) <= longest(node, columns)
        for name in used & columns.keys():
            assert columns[name].some_empty or name in values(person)
            assert columns[name].risky or not (name in own and own[name].risky)
        assert budget(Message((source,)), own) <= budget(Message((source,)), columns)
    too_long = await messages.too_long(OWNER, found, node, columns, names, allowed)
    first = next((each for each in crowd if longest(node, columns_of(each)) > allowed), None)
    assert (too_long and too_long.listed and too_long.listed.person) == first


@settings(max_examples=50, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(any_values, st.text(alphabet="w.РФрф:/@12 -aA中例")), min_size=1, max_size=20))
async def test_both_read_the_pattern_alike(world: World, texts: list[str]) -> None:
    texts = [each.replace(NUL, "") for each in texts]
    rows = await world.query(
        "SELECT v ~ %s AS risky FROM unnest(%s::text[]) WITH ORDINALITY t (v, n) ORDER BY n", RISKY, texts
    )
    assert [row["risky"] for row in rows] == [is_risky(each) for each in texts]


class TestToOneself:
    @staticmethod
    def new(most: int = 2, contact: Contact | None = None) -> NewCampaign:
        return NewCampaign(
            name="Test message",
            platform=PLATFORM,
            adapter=PLATFORM,
            audience_id=NO_AUDIENCE,
            action=Action.MESSAGE,
            destination="",
            message=Message(("Hi {{first_name|you}}",)),
            message_when_refused=False,
            account_ids=["a"],
            start=True,
            reaches=(Identifier.USERNAME,),
            test=ToOneself(contact or Contact("myself", fields={"first_name": "Anna"}), most),
        )

    async def test_it_is_a_campaign_of_one(self, world: World) -> None:
        made, _ = await world.campaigns.create(OWNER, self.new(), None, "hash", world.now)
        assert (made.recipients, made.test) == (1, True)
        assert await world.campaigns.list(OWNER, 10) == []
        assert await world.campaigns.list(OWNER, 10, tests=True) == [made]
        campaign = str(made.id)
        await world.enlist(campaign, ["a"])
        turn = await world.turn(campaign, action=Action.MESSAGE)
        assert turn.attempts[0].text == "Hi Anna"
        assert await world.mark(turn, campaign)
        await world.settle(turn, MESSAGED)
        await world.check(campaign)
        assert await world.recipients(campaign) == {0: ("messaged", "")}

    async def test_who_cannot_be_found_is_settled_at_once(self, world: World) -> None:
        made, _ = await world.campaigns.create(OWNER, self.new(contact=Contact(user_id=7)), None, "hash", world.now)
        assert await world.recipients(str(made.id)) == {0: ("unreachable", "no_path")}

    async def test_an_hour_has_only_so_many(self, world: World) -> None:
        for _ in range(2):
            await world.campaigns.create(OWNER, self.new(), None, "hash", world.now)
            world.now += HOUR / 4
        with pytest.raises(TooMany) as refused:
            await world.campaigns.create(OWNER, self.new(), None, "hash", world.now)
        assert refused.value.again_in == HOUR / 2
        await world.campaigns.create("boris", self.new(), None, "hash", world.now)
        world.now += HOUR / 2
        await world.campaigns.create(OWNER, self.new(), None, "hash", world.now)
