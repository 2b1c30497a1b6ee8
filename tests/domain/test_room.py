"""Who gives up its client in a full process."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.account import AccountRef
from domain.room import FAIR_STAY, WORTH_CLOSING, Place, gives_way

ZERO = timedelta(0)
MOMENT = timedelta(seconds=1)
SPANS = st.timedeltas(ZERO, timedelta(hours=2))


def place(
    name: str, rests_for: timedelta = ZERO, unused_for: timedelta = ZERO, held_for: timedelta = timedelta(minutes=1)
) -> Place:
    return Place(AccountRef("anna", "telegram", name), rests_for, unused_for, held_for)


def leaving(*places: Place) -> str | None:
    ref = gives_way(places)
    return ref.account_id if ref else None


def test_of_those_that_rest_the_one_unused_for_longest() -> None:
    fresh, stale = place("fresh", WORTH_CLOSING, MOMENT), place("stale", WORTH_CLOSING, 2 * MOMENT)
    assert leaving(fresh, stale) == leaving(stale, fresh) == "stale"


def test_nobody_who_works_or_rests_for_a_moment() -> None:
    assert leaving(place("works"), place("gap", WORTH_CLOSING - MOMENT)) is None
    assert leaving() is None


def test_who_rests_goes_before_who_has_been_served() -> None:
    assert leaving(place("served", held_for=9 * FAIR_STAY), place("rests", WORTH_CLOSING)) == "rests"


def test_where_all_work_the_one_that_was_served_for_longest() -> None:
    served = [place("long", held_for=FAIR_STAY + MOMENT), place("longer", held_for=FAIR_STAY + 2 * MOMENT)]
    assert leaving(place("new", held_for=FAIR_STAY - MOMENT), *served) == "longer"


@given(st.lists(st.tuples(SPANS, SPANS, SPANS), max_size=8))
def test_only_who_rests_or_was_served_and_somebody_if_there_is_one(spans: list[tuple[timedelta, ...]]) -> None:
    places = [place(str(number), *each) for number, each in enumerate(spans)]
    may = {each.ref for each in places if each.rests_for >= WORTH_CLOSING or each.held_for >= FAIR_STAY}
    chosen = gives_way(places)
    assert (chosen in may) if may else chosen is None
