"""What the core knows of the platforms, and how destinations are spelled."""

import subprocess
import sys

import pytest

from adapters import registry
from adapters.telegram.platform import post
from domain.errors import Invalid
from domain.platform import DRY_RUN
from domain.ports import Adapter

TELEGRAM = registry.platform("telegram")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("@Our_Club", "our_club"),
        ("our_club", "our_club"),
        ("  @our_club \n", "our_club"),
        ("t.me/Our_Club", "our_club"),
        ("https://t.me/our_club", "our_club"),
        ("http://t.me/our_club/", "our_club"),
        ("https://www.t.me/our_club?start=1", "our_club"),
        ("HTTPS://T.ME/our_club", "our_club"),
        ("telegram.me/our_club", "our_club"),
        ("https://t.me/s/our_club", "our_club"),
        ("joinchat_fans", "joinchat_fans"),
    ],
)
def test_a_destination_has_one_spelling(typed: str, name: str) -> None:
    assert TELEGRAM.destination(typed) == name


@pytest.mark.parametrize(
    "typed",
    [
        "https://t.me/+AbCdEf_-123456",
        "t.me/joinchat/AbCdEf_-123456",
        "https://telegram.me/JoinChat/AbCdEf_-123456/",
        "HTTPS://T.ME/+AbCdEf_-123456?x=1",
        "tg://join?invite=AbCdEf_-123456",
        "+AbCdEf_-123456",
    ],
)
def test_an_invite_link_has_one_spelling_and_keeps_its_case(typed: str) -> None:
    assert TELEGRAM.destination(typed) == "+AbCdEf_-123456"
    assert TELEGRAM.destination(TELEGRAM.destination(typed)) == "+AbCdEf_-123456"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("https://t.me/c/1234567/89", "members only"),
        ("t.me/c/1234567", "members only"),
        ("tg://privatepost?channel=1&post=2", "members only"),
        ("https://t.me/joinchat", "not whole"),
        ("https://t.me/+", "not whole"),
        ("tg://join", "not whole"),
        ("https://t.me/+79991234567", "not whole"),
    ],
)
def test_links_that_lead_nowhere_say_so(typed: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as refusal:
        TELEGRAM.destination(typed)
    assert refusal.value.field == "destination"


@pytest.mark.parametrize(
    "typed",
    [
        "https://t.me/Our_News/123",
        "t.me/our_news/123?single",
        "https://t.me/s/our_news/123",
        "https://t.me/our_news/5/123",
        "our_news/123",
    ],
)
def test_a_post_has_one_spelling(typed: str) -> None:
    assert post(typed) == "https://t.me/our_news/123"


@pytest.mark.parametrize(
    "typed", ["", "our_news", "t.me/our_news", "t.me/our_news/0", "t.me/c/12345/6", "t.me/a/1", "x/y/z"]
)
def test_what_is_no_post_is_invalid(typed: str) -> None:
    with pytest.raises(Invalid) as refusal:
        post(typed)
    assert refusal.value.field == "post"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "@",
        "abc",
        "our club",
        "our-club",
        "1club",
        "клуб",
        "a" * 33,
        "https://example.com/our_club",
        "+79990000000",
    ],
)
def test_what_names_nothing_is_invalid(typed: str) -> None:
    with pytest.raises(Invalid, match="Not a Telegram") as refusal:
        TELEGRAM.destination(typed)
    assert refusal.value.field == "destination"


def test_an_unknown_platform_is_invalid_and_the_known_ones_are_named() -> None:
    with pytest.raises(Invalid, match="telegram") as refusal:
        registry.platform("icq")
    assert refusal.value.field == "platform"


def test_the_dry_run_is_no_platform_for_owners_but_an_adapter_for_the_worker() -> None:
    with pytest.raises(Invalid):
        registry.platform(DRY_RUN)
    made: dict[str, Adapter] = dict(registry.adapters())
    assert set(made) == {*registry.PLATFORMS, DRY_RUN}


def test_a_platform_and_its_adapter_say_the_same_of_what_it_can_do() -> None:
    made = registry.adapters()
    for name, platform in registry.PLATFORMS.items():
        assert made[name].capabilities == platform.capabilities


def test_the_registry_loads_no_client_library() -> None:
    code = "import sys, adapters.registry; sys.exit('telethon' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
