"""The looks at a destination added up: every account is in one number, every warning is told once."""

from hypothesis import given
from hypothesis import strategies as st

from domain.outcome import Reason
from domain.preflight import Look, Preflight, preflight

WARNINGS = [Reason.CHANNEL_PAST_INVITES, Reason.NEARLY_FULL, Reason.LINK_ONLY, Reason.SLOW_MODE]
NOT_ADMIN, FULL = Reason.NO_RIGHT_TO_INVITE.value, Reason.DESTINATION_FULL.value

looks = st.lists(
    st.builds(
        lambda checked, may, reason, warnings: Look(checked, may, "" if may else reason, warnings),
        st.booleans(),
        st.booleans(),
        st.sampled_from([NOT_ADMIN, FULL]),
        st.lists(st.sampled_from([each.value for each in WARNINGS]), unique=True),
    )
)


def test_adds_up() -> None:
    admin = Look(True, True, "", ("slow_mode", "nearly_full"))
    other = Look(True, False, NOT_ADMIN, ("slow_mode",))
    resting = Look(False, False, "", ())
    assert preflight([admin, other, other, resting]) == Preflight(
        4, 3, 1, {NOT_ADMIN: 2}, {"slow_mode": 3, "nearly_full": 1}
    )


@given(looks)
def test_every_account_that_looked_is_in_one_number(made: list[Look]) -> None:
    found = preflight(made)
    assert found.may_invite + sum(found.may_not_invite.values()) == found.checked <= found.accounts == len(made)
    assert all(1 <= n <= found.checked for n in found.warnings.values())
    assert list(found.warnings.values()) == sorted(found.warnings.values(), reverse=True)
