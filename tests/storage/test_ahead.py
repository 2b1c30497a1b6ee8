"""Who is next to be written to, of those whom the account knows."""

from domain.platform import Action
from domain.recipient import Person
from tests.storage.world import OWNER, PRIVACY, World


async def ahead(world: World, campaign: str, account: str = "a", at_most: int = 99, owner: str = OWNER) -> list[int]:
    found = await world.turns.ahead(world.key(campaign, account, owner=owner), at_most)
    assert all(isinstance(each, Person) and each.names for each in found)
    return [each.position for each in found]


async def test_only_whom_the_account_knows_in_the_queues_order(world: World) -> None:
    campaign = await world.campaign(6, accounts=["a", "b"], action=Action.MESSAGE)
    await world.book("a").keep({"username:person_4": "1:1", "username:person_1": "1:2", "username:stranger": "1:3"})
    await world.book("b").keep({"username:person_2": "1:1"})
    before = await world.everything()
    assert await ahead(world, campaign) == [1, 4]
    assert await ahead(world, campaign, at_most=2) == [1], "it looks no further than that"
    assert await ahead(world, campaign, "b") == [2]
    assert await world.everything() == before, "nobody is claimed, nothing spent"


async def test_who_waits_for_an_invite_is_not_next(world: World) -> None:
    campaign = await world.campaign(3, fallback=True)
    await world.book("a").keep({f"username:person_{number}": "1:1" for number in range(3)})
    assert await ahead(world, campaign) == []
    assert await world.act(campaign, PRIVACY) == 0
    assert await ahead(world, campaign) == [0]


async def test_nor_is_who_waits_for_another_account_alone(world: World) -> None:
    campaign = await world.campaign(2, accounts=["a", "b"], action=Action.MESSAGE)
    await world.book("a").keep({f"username:person_{number}": "1:1" for number in range(2)})
    await world.do("UPDATE queue SET bound_to = 'b' WHERE position = 0")
    assert await ahead(world, campaign) == [1]


async def test_it_looks_from_the_mark_on(world: World) -> None:
    campaign = await world.campaign(4, action=Action.MESSAGE)
    await world.book("a").keep({f"username:person_{number}": "1:1" for number in range(4)})
    await world.runs.review(OWNER, campaign, None, world.now)
    await world.do("UPDATE queue_low SET seq = 2 WHERE action = 'message' AND lane = 'username'")
    assert await ahead(world, campaign) == [2, 3]


async def test_nobody_of_another_owner(world: World) -> None:
    theirs = await world.campaign(2, owner="boris", action=Action.MESSAGE)
    await world.campaign(1)
    await world.book("a").keep({f"username:person_{number}": "1:1" for number in range(2)})
    await world.book("a", "boris").keep({"username:person_1": "1:1"})
    assert await ahead(world, theirs) == []
    assert await ahead(world, theirs, owner="boris") == [1]
