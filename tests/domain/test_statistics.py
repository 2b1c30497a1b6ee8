"""Numbers from counters: every recipient is in exactly one of them."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from domain.campaign import Wanted
from domain.outcome import Kind, Outcome, Reason
from domain.platform import Action
from domain.statistics import Count, Numbers, done_by, errors_of, numbers
from domain.turn import Final, Rules, Work, follow_up

FINALS = sorted(
    {
        following.outcome.kind
        for kind, tried, wanted, action in product(Kind, ((), ("x", "y")), Wanted, Action)
        if isinstance(
            following := follow_up(
                Outcome(kind), Work(action, False, tried), "a", Rules(action, message_when_refused=True, wanted=wanted)
            ),
            Final,
        )
    }
)
"""Everything that can settle a recipient."""

COUNTS = st.lists(
    st.builds(
        Count,
        account_id=st.sampled_from(["", "a", "b"]),
        action=st.sampled_from([action.value for action in Action]),
        instead=st.booleans(),
        kind=st.sampled_from([kind.value for kind in FINALS]),
        reason=st.sampled_from([reason.value for reason in Reason]),
        final=st.booleans(),
        n=st.integers(0, 50),
    )
)


def count(kind: Kind, n: int = 1, *, reason: Reason = Reason.NONE, final: bool = True, instead: bool = False) -> Count:
    return Count("a", Action.INVITE.value, instead, kind.value, reason.value, final, n)


def shown(result: Numbers, contacts: int) -> int:
    plain = (
        contacts,
        result.invited,
        result.already_member,
        result.messaged,
        result.messaged_instead,
        result.forwarded,
        result.forwarded_instead,
        result.link_sent,
        result.uncertain,
        result.cancelled,
    )
    by_reason = (result.refused, result.unreachable, result.failed, result.skipped)
    return sum(plain) + sum(sum(each.values()) for each in by_reason)


@given(COUNTS, st.integers(0, 100))
def test_every_settled_recipient_is_in_one_number_and_the_rest_is_left(counts: list[Count], open_: int) -> None:
    settled = sum(each.n for each in counts if each.final)
    result = numbers(settled + open_, counts)
    assert result.processed == settled
    assert result.left == open_
    contacts = [each for each in counts if each.kind == Kind.CONTACT_ADDED]
    assert shown(result, sum(each.n for each in contacts if each.final)) == settled
    assert result.contacts_added == sum(each.n for each in contacts)


def test_steps_on_the_way_are_not_results() -> None:
    result = numbers(3, [count(Kind.REFUSED, reason=Reason.PRIVACY, final=False), count(Kind.INVITED)])
    assert (result.processed, result.left, result.invited, result.refused) == (1, 2, 1, {})


def test_contacts_are_counted_also_as_a_step_on_the_way() -> None:
    counts = [count(Kind.CONTACT_ADDED, 2, final=False), count(Kind.CONTACT_ADDED, 3), count(Kind.INVITED, 2)]
    result = numbers(9, counts)
    assert (result.contacts_added, result.processed, result.left, result.invited) == (5, 5, 4, 2)
    assert done_by(counts, "a") == {"contact_added": 5, "invited": 2}


def test_whoever_is_in_the_list_twice_is_counted_as_skipped() -> None:
    result = numbers(2, [count(Kind.SKIPPED, reason=Reason.SAME_PERSON), count(Kind.INVITED)])
    assert (result.skipped, result.processed, result.left) == ({"same_person": 1}, 2, 0)


def test_a_message_that_replaced_an_invite_is_counted_apart() -> None:
    result = numbers(5, [count(Kind.MESSAGED, 2), count(Kind.MESSAGED, 3, instead=True)])
    assert (result.messaged, result.messaged_instead) == (2, 3)


def test_forwards_are_counted_apart_from_texts() -> None:
    counts = [count(Kind.FORWARDED, 2), count(Kind.FORWARDED, 3, instead=True), count(Kind.MESSAGED, 4)]
    result = numbers(9, counts)
    assert (result.forwarded, result.forwarded_instead, result.messaged, result.left) == (2, 3, 4, 0)
    assert done_by(counts, "a") == {"forwarded": 2, "forwarded_instead": 3, "messaged": 4}


def test_reasons_add_up_over_accounts() -> None:
    counts = [
        count(Kind.REFUSED, 2, reason=Reason.PRIVACY),
        Count("b", "message", True, "refused", "privacy", True, 3),
        count(Kind.REFUSED, 1, reason=Reason.NEEDS_PREMIUM),
    ]
    assert numbers(6, counts).refused == {"privacy": 5, "needs_premium": 1}


def test_percent() -> None:
    assert numbers(3, [count(Kind.INVITED)]).percent == 33.33
    assert numbers(0, []).percent == 100.0
    assert numbers(7, []).percent == 0.0


def test_an_account_is_shown_with_what_it_did_and_what_went_wrong_on_it() -> None:
    counts = [
        count(Kind.INVITED, 2),
        count(Kind.REFUSED, 3, reason=Reason.PRIVACY, final=False),
        count(Kind.MESSAGED, 1, instead=True),
        count(Kind.RATE_LIMITED, 1, reason=Reason.FLOOD_WAIT, final=False),
        count(Kind.UNCERTAIN, 1, reason=Reason.NO_ANSWER),
        Count("b", "invite", False, "invited", "", True, 9),
    ]
    assert done_by(counts, "a") == {"invited": 2, "refused": 3, "messaged_instead": 1}
    assert errors_of(counts, "a") == {"flood_wait": 1, "no_answer": 1}
    assert done_by(counts, "c") == errors_of(counts, "c") == {}
