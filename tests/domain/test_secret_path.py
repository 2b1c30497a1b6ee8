"""Owners' names in Vault's paths and policies: each has one of its own, and none reaches another's secrets."""

import re
from posixpath import normpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.secret_path import belongs_to, owner_part

OWNERS = st.text("aAbB.+*/=|@{}%ж ", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("owner", "part"),
    [
        ("anna", "anna"),
        ("auth0|5f7c", "auth0|5f7c"),
        ("anna@mail.example", "anna@mail.example"),
        ("3f2b-11", "3f2b-11"),
        ("Anna", "=41nna"),
        ("=41nna", "=3d41nna"),
        ("+", "=2b"),
        ("a/b", "a=2fb"),
        ("..", "=2e=2e"),
        ("ж", "=d0=b6"),
    ],
)
def test_what_an_owner_is_called(owner: str, part: str) -> None:
    assert owner_part(owner) == part


@given(OWNERS, OWNERS)
def test_no_two_owners_share_a_part(one: str, other: str) -> None:
    assert (owner_part(one).lower() == owner_part(other).lower()) == (one == other)


@given(OWNERS)
def test_nothing_in_it_means_anything_to_vault(owner: str) -> None:
    part = owner_part(owner)
    assert re.fullmatch(r"[a-z0-9._@|=-]+", part)
    assert part not in (".", "..")


@given(OWNERS, st.lists(st.sampled_from(["telegram", "tg 1", "", ".", "..", "owners", "boris"]), max_size=6))
def test_what_belongs_to_an_owner_stays_there_once_resolved(owner: str, steps: list[str]) -> None:
    path = "/".join(["owners", owner_part(owner), *steps])
    if belongs_to(owner, path):
        assert normpath(path) == path
        assert path.startswith(f"owners/{owner_part(owner)}/")


@pytest.mark.parametrize(
    "path",
    [
        "owners/boris/telegram/tg-1",
        "owners/anna/../boris/telegram/tg-1",
        "owners/anna/telegram/..",
        "owners/anna/./tg-1",
        "owners/anna//tg-1",
        "owners/anna/telegram/tg-1/",
        "owners/anna/",
        "owners/anna",
        "owners/annabel/telegram/tg-1",
        "owners//telegram/tg-1",
        "/owners/anna/telegram/tg-1",
        "other/anna/telegram/tg-1",
        "Owners/anna/telegram/tg-1",
        "",
    ],
)
def test_paths_of_others(path: str) -> None:
    assert belongs_to("anna", "owners/anna/telegram/tg-1")
    assert not belongs_to("anna", path)
