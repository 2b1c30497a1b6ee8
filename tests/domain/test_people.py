"""Who is who: whoever shares an identifier, directly or through others, is one person."""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.audience import Contact
from domain.people import People, Places

CONTACTS = st.builds(
    Contact,
    st.none() | st.sampled_from(["anna", "boris", "vera", "galya", "dima"]),
    st.none() | st.sampled_from(["+79000000001", "+79000000002", "+79000000003"]),
    st.none() | st.integers(1, 3),
    st.sampled_from(["", "Анна", "Борис"]),
    st.just(""),
    st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy"), max_size=2),
    st.none() | st.sampled_from(["account-1", "account-2"]),
).filter(lambda contact: any(contact[:3]))


def groups(contacts: list[Contact]) -> list[list[int]]:
    """The lines of each person, found the slow way: join whoever shares something until nothing changes."""
    of = {line: {line} for line in range(1, len(contacts) + 1)}
    owners: dict[object, list[int]] = defaultdict(list)
    for line, contact in enumerate(contacts, start=1):
        for kind, value in enumerate(contact[:3]):
            if value is not None:
                owners[kind, value].append(line)
    for lines in owners.values():
        for other in lines[1:]:
            joined = of[lines[0]] | of[other]
            for each in joined:
                of[each] = joined
    return sorted({tuple(sorted(each)) for each in of.values()})  # type: ignore[return-value, arg-type]


def placed(contacts: list[Contact]) -> dict[int, int]:
    people = People()
    for line, contact in enumerate(contacts, start=1):
        people.place(line, contact)
    return {line: people.first(people.place(line, contact)) for line, contact in enumerate(contacts, start=1)}


@settings(max_examples=150, deadline=None)
@given(st.lists(CONTACTS, max_size=14))
def test_lines_that_share_an_identifier_by_any_way_are_one_person(contacts: list[Contact]) -> None:
    firsts = {line: lines[0] for lines in groups(contacts) for line in lines}
    assert placed(contacts) == firsts


def test_somebody_is_found_out_later_to_be_somebody_before() -> None:
    people = People()
    assert people.place(1, Contact("anna")) == 1
    assert people.place(2, Contact(phone="+79000000001")) == 2
    assert people.place(3, Contact("anna", "+79000000001", 5)) == 1
    assert people.joined == {2: 1}
    assert people.place(4, Contact(user_id=5)) == 1


def test_a_name_a_phone_and_an_id_of_the_same_digits_are_three() -> None:
    people = People()
    contacts = [Contact("a79000000001"), Contact(phone="+79000000001"), Contact(user_id=79000000001)]
    assert [people.place(line, each) for line, each in enumerate(contacts, start=1)] == [1, 2, 3]


def test_a_long_chain_made_on_purpose_is_walked_once() -> None:
    people, length = People(), 20_000
    for line in range(1, length):
        people.place(line, Contact(f"user_{line}"))
    for step in range(length - 1, 1, -1):  # joins the last to the one before it, and so on
        people.place(2 * length - step, Contact(f"user_{step}", user_id=step - 1))
        people.place(4 * length - step, Contact(f"user_{step - 1}", user_id=step - 1))
    assert people.place(10 * length, Contact(f"user_{length - 1}")) == 1
    assert len(people.joined) == length - 2


@given(st.dictionaries(st.integers(-(2**63), 2**63 - 1), st.integers(1, 2**31 - 1), max_size=300))
def test_places_are_a_dictionary(wanted: dict[int, int]) -> None:
    places = Places()
    for key, line in wanted.items():
        assert places.setdefault(key, line) == line
    assert {key: places.setdefault(key, 7) for key in wanted} == wanted
    for key in wanted:
        places.replace(key, 9)
    assert all(places.setdefault(key, 7) == 9 for key in wanted)


def test_places_grow() -> None:
    places = Places()
    keys = [hash(str(n)) for n in range(20_000)]
    assert [places.setdefault(key, n) for n, key in enumerate(keys, start=1)] == list(range(1, 20_001))
    assert [places.setdefault(key, 1) for key in keys] == list(range(1, 20_001))
