"""Messages on the real parts: what the data centre's journal says arrived is what the owner was shown."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

from devstack.telegram_dc.journal import Forwarded, Message
from devstack.telegram_dc.scenario import Chat, Fault, Post
from tests.e2e.town import Town, town, world

NEWS, NUMBER = 600, 12
MESSAGE = {"action": "message", "destination": "", "message_when_refused": False}
TEXT = "{Hello|Hi}, {{username|friend}}"


def test_texts_forwards_and_a_test_arrive_once_and_as_they_were_written(tmp_path: Path) -> None:
    faults = [  # each once: it is repeated with the same key, on another connection
        Fault(account="account0", method="messages.SendMessage", after=3, kind="drop_after"),
        Fault(account="account1", method="messages.SendMessage", after=2, kind="drop_before"),
        Fault(account="account0", method="messages.ForwardMessages", after=2, kind="drop_after"),
        Fault(account="account1", method="messages.ForwardMessages", after=1, kind="drop_before"),
    ]
    scene = world(accounts=2, people=16, faults=faults)
    scene.chats.append(Chat(id=NEWS, title="News", kind="channel", username="town_news", posts=[Post(NUMBER, "post")]))
    with town(tmp_path, scene, workers=1) as here:
        _variants(here)
        _forwards(here)
        _test(here)


def _variants(here: Town) -> None:
    counts = here.end(here.campaign(**MESSAGE, message={"texts": [TEXT]}))["counts"]
    assert (counts["messaged"], counts["processed"]) == (16, 16)
    arrived = here.effects().of(Message)
    names = {person.user_id: person.username for person in here.world.people}
    assert Counter(each.to_user for each in arrived) == Counter(list(names))
    for each in arrived:
        assert each.text in (f"Hello, {names[each.to_user]}", f"Hi, {names[each.to_user]}")
    for account in ("account0", "account1"):
        own = [each.text for each in arrived if each.by == account]
        assert own
        assert all(one != other for one, other in pairwise(own))


def _forwards(here: Town) -> None:
    campaign = here.campaign(**MESSAGE, message={"forward": f"https://t.me/town_news/{NUMBER}"})
    counts = here.end(campaign)["counts"]
    assert (counts["forwarded"], counts["messaged"], counts["processed"]) == (16, 0, 16)
    arrived = here.effects().of(Forwarded)
    assert Counter(each.to_user for each in arrived) == Counter(person.user_id for person in here.world.people)
    assert {(each.chat, each.post) for each in arrived} == {(NEWS, NUMBER)}
    report = here.api.get(f"/invite/{campaign}/report").json()
    assert report["status"]["counts"] == counts


def _test(here: Town) -> None:
    before = len(here.effects().of(Message))
    body = {
        "platform": "telegram",
        "account_id": "account1",
        "to": "@Person_0003",
        "message": {"texts": ["Dear {{first_name|friend}}"]},
        "fields": {"first_name": "Anna"},
    }
    answers = [here.api.post("/messages/test", json=body, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    status = here.end(answers[0].json()["id"])
    assert (status["state"], status["counts"]["messaged"]) == ("done", 1)
    [arrived] = here.effects().of(Message)[before:]
    assert (arrived.by, arrived.to_user, arrived.text) == ("account1", 5003, "Dear Anna")
