"""Two lists of people who have nobody in common, two groups, and the same accounts for both."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from devstack.demo import audience_file
from devstack.demo.people import Invitee, invitees
from devstack.demo.world import CHAT_ID, Fate, World, account_names, scenario_of, user_ids
from devstack.telegram_dc.scenario import Scenario

LOW, HIGH = "Newsletter", "Last places"
"""The campaigns' names."""
LOW_CHAT, HIGH_CHAT = CHAT_ID, CHAT_ID + 1
_GROUPS = {LOW_CHAT: "demo_newsletter", HIGH_CHAT: "demo_last_places"}


@dataclass(frozen=True)
class Worlds:
    """The worlds of the two campaigns: one scenario, with all its accounts administrators of both groups."""

    low: World
    high: World


def made(recipients: int, accounts: int, seed: int) -> Worlds:
    """A world of so many people, a third of them (one at least) for the high campaign; `recipients`: two at least."""
    random = Random(seed)
    listed = invitees(recipients, random)
    urgent = max(recipients // 3, 1)
    high, low = [_with_one_name(each) for each in listed[:urgent]], listed[urgent:]
    fates = dict.fromkeys(account_names(accounts), Fate.PLAIN)
    people = [each.person for each in listed if each.person is not None]
    scenario = scenario_of(people, fates, _GROUPS, [], seed)
    return Worlds(
        low=_world(scenario, LOW_CHAT, low, "everybody.csv", fates, random),
        high=_world(scenario, HIGH_CHAT, high, "friends.csv", fates, random),
    )


def _world(
    scenario: Scenario,
    chat_id: int,
    listed: Sequence[Invitee],
    file_name: str,
    fates: dict[str, Fate],
    random: Random,
) -> World:
    content = audience_file.written(listed, random)
    return World(scenario, user_ids(listed), content, file_name, fates, len(listed), chat_id)


def _with_one_name(invitee: Invitee) -> Invitee:
    """Nobody is looked for a second time, by phone: so an account that finds the queue empty is through with it, and
    the verdict knows from the journal alone until when the campaign was using it."""
    return invitee if invitee.username is None else replace(invitee, phone=None)
