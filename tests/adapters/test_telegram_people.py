"""The Telegram adapter and people: how they are found, kept in the book, added, asked and forwarded to."""

from dataclasses import replace
from datetime import timedelta

import pytest

from devstack.telegram_dc.journal import ContactAdded, Forwarded, Message
from devstack.telegram_dc.scenario import Account, Scenario
from devstack.telegram_dc.scenario import Person as Inhabitant
from devstack.telegram_dc.server import TelegramDC
from domain.errors import InDoubt, Invalid, Unavailable
from domain.outcome import Kind, Outcome, Reason
from domain.ports import Found, Session
from domain.recipient import Person
from tests.adapters import telegram_town as town
from tests.adapters.book import MemoryBook
from tests.adapters.contract import KEY
from tests.adapters.telegram_town import ANNA, API_HASH, asked, sign_in, strike

RESOLVE, IMPORT = "contacts.ResolveUsername", "contacts.ImportContacts"
OLGA, HIDDEN, NUMBERED = "+79991110020", "+79991110022", "+79991110021"
NO_PATH = Outcome(Kind.UNREACHABLE, Reason.NO_PATH)
NOT_FOUND = Outcome(Kind.UNREACHABLE, Reason.NOT_FOUND_BY_PHONE)
NEWS = "https://t.me/news/7"
UNKNOWN = Outcome(Kind.UNREACHABLE, Reason.UNKNOWN_PERSON)


def hash_of(dc: TelegramDC, user_id: int, account: str = "owner") -> str:
    """How the account addresses the person."""
    return f"{user_id}:{dc.world.access_hash(account, 'user', user_id)}"


class TestFinding:
    @pytest.mark.parametrize(
        ("person", "found"),
        [
            (Person(0, username="ANNA"), Found("100")),
            (Person(0, phone=NUMBERED), Found("121", contact_added=True)),
            (Person(0, username="olga", phone=OLGA), Found("120")),
            (Person(0, username="nobody_at_all", phone=OLGA), UNKNOWN),
            (Person(0, username="deleted", phone=OLGA), Outcome(Kind.UNREACHABLE, Reason.DELETED)),
            (Person(0, username="robot"), Outcome(Kind.UNREACHABLE, Reason.BOT)),
            (Person(0, username="club"), UNKNOWN),
            (Person(0, username="nobody_at_all"), UNKNOWN),
            (Person(0, phone=HIDDEN), NOT_FOUND),
            (Person(0, phone="+79990000000"), NOT_FOUND),
            (Person(0, user_id=100), NO_PATH),
            (Person(0), NO_PATH),
        ],
        ids=str,
    )
    async def test_finds_whom_telegram_tells(self, session: Session, person: Person, found: Found | Outcome) -> None:
        assert await session.find(person) == found

    async def test_one_person_under_two_identifiers_is_one(self, session: Session) -> None:
        by_name, by_phone = await session.find(Person(0, username="olga")), await session.find(Person(1, phone=OLGA))
        assert isinstance(by_name, Found)
        assert isinstance(by_phone, Found)
        assert by_name.peer == by_phone.peer

    async def test_a_username_is_asked_before_a_number_is_spent(self, dc: TelegramDC, session: Session) -> None:
        await session.find(Person(0, username="olga", phone=OLGA))
        assert not dc.journal.of(ContactAdded)

    async def test_a_flood_wait_is_the_accounts(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, RESOLVE, "flood_wait", seconds=50)
        strike(dc, IMPORT, "flood_wait", seconds=60)
        for person, seconds in ((ANNA, 50), (Person(0, phone=OLGA), 60)):
            told = await session.find(person)
            assert isinstance(told, Outcome)
            assert (told.kind, told.retry_after) == (Kind.RATE_LIMITED, timedelta(seconds=seconds))

    async def test_numbers_beyond_the_accounts_limit_are_put_off(self) -> None:
        account = Account("owner", 1, "+70000000001", 5, API_HASH, import_limit=1)
        async with TelegramDC(Scenario([account], people=town.town().people)) as dc:
            session = await sign_in(dc)
            assert await session.find(Person(0, phone=OLGA)) == Found("120", contact_added=True)
            assert await session.find(Person(1, phone=NUMBERED)) == Outcome(Kind.POSTPONED, Reason.LOOKUPS_SPENT)
            await session.close()

    @pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
    async def test_a_lookup_is_never_in_doubt(self, dc: TelegramDC, session: Session, fault: str) -> None:
        strike(dc, IMPORT, fault)
        with pytest.raises(Unavailable):
            await session.find(Person(0, phone=OLGA))
        again = await sign_in(dc)
        assert await again.find(Person(0, phone=OLGA)) == Found("120", contact_added=True)
        assert town.contacts(dc, 120) == 1
        await again.close()


class TestTheBook:
    async def test_has_all_names_of_who_was_found(self, dc: TelegramDC) -> None:
        book = MemoryBook()
        session = await sign_in(dc, book=book)
        await session.find(Person(0, phone=OLGA))
        names = ["username:olga", f"phone:{OLGA}", "user_id:120"]
        assert book.entries == dict.fromkeys(names, hash_of(dc, 120))
        await session.close()

    async def test_does_not_take_the_lists_word_for_what_telegram_denies(self, dc: TelegramDC) -> None:
        book = MemoryBook()
        session = await sign_in(dc, book=book)
        await session.find(Person(0, phone=OLGA, user_id=100))
        assert set(book.entries) == {"username:olga", f"phone:{OLGA}", "user_id:120"}
        await session.close()

    @pytest.mark.parametrize(
        "person", [ANNA, Person(0, user_id=100), Person(0, username="other", user_id=100)], ids=str
    )
    async def test_spares_every_lookup(self, dc: TelegramDC, person: Person) -> None:
        value = hash_of(dc, 100)
        session = await sign_in(dc, book=MemoryBook({"username:anna": value, "user_id:100": value}))
        assert await session.find(person) == Found("100")
        assert await session.send(person, "text", KEY) == Outcome(Kind.MESSAGED)
        assert await session.add_contact(person) == Outcome(Kind.CONTACT_ADDED)
        assert town.lookups(dc) == 0
        await session.close()

    async def test_is_opened_once_for_a_person(self, dc: TelegramDC) -> None:
        book = MemoryBook({"username:anna": hash_of(dc, 100)})
        session = await sign_in(dc, book=book)
        await session.check_destination("club")
        asked_before = book.asked
        await session.find(ANNA)
        await session.invite(ANNA, "club")
        await session.is_member(ANNA, "club")
        assert book.asked == asked_before + 1
        await session.close()

    @pytest.mark.parametrize("stale", ["100:1", "100:-77", "4711:99"])
    async def test_may_be_out_of_date(self, dc: TelegramDC, stale: str) -> None:
        book = MemoryBook({"username:anna": stale, "user_id:100": stale})
        session = await sign_in(dc, book=book)
        assert await session.invite(replace(ANNA, user_id=100), "club") == Outcome(Kind.INVITED)
        assert await session.send(ANNA, "text", KEY) == Outcome(Kind.MESSAGED)
        assert asked(dc, RESOLVE) == 2
        assert {book.entries[name] for name in ("username:anna", "user_id:100")} == {hash_of(dc, 100)}
        await session.close()

    async def test_of_another_account_leads_nowhere(self, dc: TelegramDC) -> None:
        session = await sign_in(dc, book=MemoryBook({"user_id:100": hash_of(dc, 100, "admin")}))
        for _ in range(2):
            assert await session.send(Person(0, user_id=100), "text", KEY) == NO_PATH
        assert asked(dc, "messages.SendMessage") == 1
        await session.close()

    async def test_nonsense_in_it_counts_for_nothing(self, dc: TelegramDC) -> None:
        session = await sign_in(dc, book=MemoryBook({"username:anna": "nonsense"}))
        assert await session.find(ANNA) == Found("100")
        await session.close()

    async def test_a_fresh_answer_is_not_asked_for_twice(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, "messages.SendMessage", "rpc_error", error="PEER_ID_INVALID", times=None)
        assert await session.send(ANNA, "text", KEY) == Outcome(Kind.UNREACHABLE, Reason.UNKNOWN_PERSON)
        assert (asked(dc, RESOLVE), asked(dc, "messages.SendMessage")) == (1, 1)


class TestContacts:
    async def test_a_number_is_added_by_being_found(self, dc: TelegramDC, session: Session) -> None:
        assert await session.add_contact(Person(0, phone=OLGA)) == Outcome(Kind.CONTACT_ADDED)
        assert (asked(dc, IMPORT), asked(dc, "contacts.AddContact")) == (1, 0)
        assert town.contacts(dc, 120) == 1

    async def test_a_lookup_says_once_that_it_added_a_contact(self, session: Session) -> None:
        assert await session.find(Person(0, phone=OLGA)) == Found("120", contact_added=True)
        assert await session.find(Person(0, phone=OLGA)) == Found("120")

    async def test_a_nameless_person_gets_a_name(self, dc: TelegramDC) -> None:
        session = await sign_in(dc, book=MemoryBook({"user_id:112": hash_of(dc, 112)}))
        assert await session.add_contact(Person(0, user_id=112)) == Outcome(Kind.CONTACT_ADDED)
        await session.close()

    async def test_a_contact_is_added_once(self, dc: TelegramDC, session: Session) -> None:
        for _ in range(2):
            assert await session.add_contact(ANNA) == Outcome(Kind.CONTACT_ADDED)
        assert asked(dc, "contacts.AddContact") == 1

    async def test_a_wrong_id_in_the_list_leads_nowhere_afterwards(self, dc: TelegramDC, session: Session) -> None:
        wrong = Person(0, username="anna", user_id=4711)
        assert await session.add_contact(wrong) == Outcome(Kind.CONTACT_ADDED)
        assert await session.find(Person(1, user_id=4711)) == NO_PATH
        assert await session.find(Person(2, user_id=100)) == Found("100")

    async def test_a_break_leaves_it_in_doubt(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, "contacts.AddContact", "drop_after")
        with pytest.raises(InDoubt):
            await session.add_contact(ANNA)
        again = await sign_in(dc)
        assert await again.add_contact(ANNA) == Outcome(Kind.CONTACT_ADDED)
        assert town.contacts(dc) == 1
        await again.close()

    async def test_a_frozen_account_adds_nobody(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, "contacts.AddContact", "frozen")
        assert await session.add_contact(ANNA) == Outcome(Kind.BLOCKED, Reason.FROZEN)


class TestRequirements:
    async def test_are_told_of_those_who_are_known(self, dc: TelegramDC, session: Session) -> None:
        people = [Person(number, username=name) for number, name in ((3, "premium"), (5, "paid"), (8, "anna"))]
        assert await session.requirements(people) == {}
        assert asked(dc, "users.GetRequirementsToContact") == 0
        for person in people:
            await session.find(person)
        assert await session.requirements([*people, Person(9, username="olga")]) == {
            3: Outcome(Kind.REFUSED, Reason.NEEDS_PREMIUM),
            5: Outcome(Kind.REFUSED, Reason.NEEDS_PAYMENT),
            8: None,
        }
        assert asked(dc, "users.GetRequirementsToContact") == 1
        assert asked(dc, RESOLVE) == 3

    async def test_are_asked_for_in_batches(self) -> None:
        crowd = [Inhabitant(1000 + number, message="paid") for number in range(250)]
        async with TelegramDC(replace(town.town(), people=crowd)) as dc:
            book = MemoryBook({f"user_id:{each.user_id}": hash_of(dc, each.user_id) for each in crowd})
            book.entries["user_id:1017"] = "1017:1"
            session = await sign_in(dc, book=book)
            told = await session.requirements([Person(n, user_id=each.user_id) for n, each in enumerate(crowd)])
            assert set(told) == set(range(250)) - {17}
            assert asked(dc, "users.GetRequirementsToContact") < 20
            assert book.asked == 3
            await session.close()

    async def test_are_not_told_to_an_account_in_trouble(self, dc: TelegramDC, session: Session) -> None:
        await session.find(Person(0, username="paid"))
        strike(dc, "users.GetRequirementsToContact", "flood_wait", seconds=9)
        assert await session.requirements([Person(0, username="paid")]) == {}


class TestForwards:
    async def test_arrive_once(self, dc: TelegramDC, session: Session) -> None:
        for _ in range(2):
            assert await session.forward(ANNA, NEWS, KEY) == Outcome(Kind.FORWARDED)
        (forwarded,) = dc.journal.of(Forwarded)
        assert (forwarded.chat, forwarded.post, forwarded.random_id) == (501, 7, KEY)
        assert not dc.journal.of(Message)

    async def test_share_their_keys_with_messages(self, dc: TelegramDC, session: Session) -> None:
        await session.send(ANNA, "text", KEY)
        assert await session.forward(ANNA, NEWS, KEY) == Outcome(Kind.FORWARDED)
        assert not dc.journal.of(Forwarded)

    @pytest.mark.parametrize("post", ["t.me/news/8", "t.me/secretive/1", "t.me/nowhere/1", "t.me/anna/1"])
    async def test_of_what_cannot_be_forwarded(self, session: Session, post: str) -> None:
        assert await session.forward(ANNA, post, KEY) == Outcome(Kind.CONTENT, Reason.POST_UNAVAILABLE)

    async def test_of_a_channel_that_became_private(self, dc: TelegramDC, session: Session) -> None:
        strike(dc, "messages.ForwardMessages", "rpc_error", error="CHANNEL_PRIVATE", code=406)
        assert await session.forward(ANNA, NEWS, KEY) == Outcome(Kind.CONTENT, Reason.POST_UNAVAILABLE)

    @pytest.mark.parametrize(
        ("name", "reason"),
        [("refuses", Reason.PRIVACY), ("blocker", Reason.BLOCKED_US), ("paid", Reason.NEEDS_PAYMENT)],
    )
    async def test_to_who_refuses(self, session: Session, name: str, reason: Reason) -> None:
        assert await session.forward(Person(0, username=name), NEWS, KEY) == Outcome(Kind.REFUSED, reason)

    @pytest.mark.parametrize(("fault", "before"), [("drop_before", 0), ("drop_after", 1)])
    async def test_over_a_connection_that_breaks(
        self, dc: TelegramDC, session: Session, fault: str, before: int
    ) -> None:
        strike(dc, "messages.ForwardMessages", fault)
        with pytest.raises(InDoubt):
            await session.forward(ANNA, NEWS, KEY)
        assert town.delivered(dc) == before
        again = await sign_in(dc)
        assert await again.forward(ANNA, NEWS, KEY) == Outcome(Kind.FORWARDED)
        assert town.delivered(dc) == 1
        await again.close()

    async def test_need_a_posts_link(self, session: Session) -> None:
        with pytest.raises(Invalid):
            await session.forward(ANNA, "t.me/news", KEY)
