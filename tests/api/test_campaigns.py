"""`/invite`: campaigns made once, commanded idempotently, and refused with a clear word where they cannot be."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from domain.campaign import Wanted
from runtime.settings import ApiSettings
from storage.engine import Database
from tests.api.conftest import Client, assert_problem
from tests.api.control import RecordingControl
from tests.api.neighbour import Neighbour, account


async def test_a_campaign_is_made_and_started(
    client: Client, owner: str, control: RecordingControl, neighbour: Neighbour
) -> None:
    answer = await client.invite(account_ids=["a1"])
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert answer.headers["location"] == f"/invite/{body['id']}"
    assert body["destination"] == "spring_meeting"
    assert (body["recipients"], body["state"], body["why"]["code"]) == (3, "running", "preparing")
    assert body["why"]["text"]["ru"]
    assert control.delivered == [(owner, UUID(body["id"]), "telegram", Wanted.RUN, 1)]
    assert neighbour.asked[0].url.params["user_id"] == owner
    assert (await client.get(f"/invite/{body['id']}")).json() == body
    assert [each["id"] for each in (await client.get("/invite")).json()["items"]] == [body["id"]]


async def test_a_draft_waits_for_its_start(client: Client, control: RecordingControl) -> None:
    campaign = await client.campaign(start=False)
    assert (await client.get(f"/invite/{campaign}")).json()["state"] == "draft"
    assert control.delivered == []
    assert (await client.post(f"/invite/{campaign}/start")).json()["state"] == "running"
    assert len(control.delivered) == 1


async def test_campaigns_are_listed_by_pages(client: Client) -> None:
    audience = await client.audience()
    ids = [await client.campaign(audience_id=audience) for _ in range(3)]
    first = (await client.get("/invite", params={"limit": 2})).json()
    then = (await client.get("/invite", params={"limit": 2, "before": first["next"]})).json()
    assert [each["id"] for each in [*first["items"], *then["items"]]] == ids[::-1]


async def test_a_dry_run_and_a_mailing(client: Client) -> None:
    dry = (await client.invite(dry_run=True)).json()
    assert dry["dry_run"] is True
    mailing = (await client.invite(action="message", destination=..., message_when_refused=False)).json()
    assert (mailing["action"], mailing["destination"]) == ("message", "")


async def test_adding_contacts_and_joining_are_off_unless_wished(client: Client) -> None:
    for wished in (False, True):
        changes = {"add_contact_first": True, "join_destination": True} if wished else {}
        body = (await client.invite(**changes)).json()
        assert (body["add_contact_first"], body["join_destination"]) == (wished, wished)
        assert (await client.get(f"/invite/{body['id']}")).json() == body


async def test_contacts_as_a_first_step_come_before_the_campaigns_own_action(
    client: Client, database: Database, owner: str
) -> None:
    for action in ("invite", "message"):
        campaign = await client.campaign(action=action, add_contact_first=True)
        assert await waits_for(database, owner, campaign) == {"add_contact"}
        campaign = await client.campaign(action=action)
        assert await waits_for(database, owner, campaign) == {action}


async def test_a_campaign_that_only_adds_contacts(client: Client, database: Database, owner: str) -> None:
    asked = {"action": "add_contact", "destination": ..., "message": ..., "message_when_refused": False}
    body = (await client.invite(**asked)).json()
    assert (body["action"], body["destination"], body["recipients"]) == ("add_contact", "", 3)
    assert await waits_for(database, owner, body["id"]) == {"add_contact"}
    twice = (await client.invite(**asked, add_contact_first=True)).json()
    assert twice["add_contact_first"] is False, "it is no step before itself"


async def waits_for(database: Database, owner: str, campaign: str) -> set[str]:
    """What the people of a campaign wait for."""
    async with database.owner(owner) as tx:
        return set(await tx.scalars(text("SELECT action FROM queue WHERE campaign_id = :c"), {"c": campaign}))


async def test_the_same_key_answers_the_same_campaign(
    client: Client, control: RecordingControl, neighbour: Neighbour, owner: str
) -> None:
    audience = await client.audience()
    first = await client.invite(key="k1", audience_id=audience)
    neighbour.accounts[owner] = []  # a repetition is not judged anew
    again = await client.invite(key="k1", audience_id=audience)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    other = await client.invite(key="k1", audience_id=audience, name="Another")
    assert_problem(other, 409, "forbidden-now")
    assert len((await client.get("/invite")).json()["items"]) == 1


async def test_two_at_the_same_moment_make_one(client: Client) -> None:
    audience = await client.audience()
    answers = await asyncio.gather(*(client.invite(key="k1", audience_id=audience) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_another_owner_may_use_the_same_key(client: Client, stranger: Client) -> None:
    answers = [await client.invite(key="k1"), await stranger.invite(key="k1")]
    assert [answer.status_code for answer in answers] == [201, 201]


@pytest.mark.parametrize(
    ("commands", "statuses", "state"),
    [
        (["pause"], [200], "paused"),
        (["pause", "pause"], [200, 200], "paused"),
        (["pause", "resume", "resume"], [200, 200, 200], "running"),
        (["resume"], [200], "running"),
        (["start"], [200], "running"),
        (["cancel", "cancel"], [200, 200], "cancelled"),
        (["cancel", "pause"], [200, 409], "cancelled"),
        (["cancel", "resume"], [200, 409], "cancelled"),
        (["pause", "start"], [200, 409], "paused"),
        (["pause", "cancel"], [200, 200], "cancelled"),
    ],
)
async def test_commands(client: Client, commands: list[str], statuses: list[int], state: str) -> None:
    campaign = await client.campaign()
    answers = [await client.post(f"/invite/{campaign}/{command}") for command in commands]
    assert [answer.status_code for answer in answers] == statuses
    for answer in answers:
        if answer.status_code == 409:
            assert_problem(answer, 409, "forbidden-now")
    assert (await client.get(f"/invite/{campaign}")).json()["state"] == state


@pytest.mark.parametrize("command", ["pause", "resume"])
async def test_a_draft_cannot_be_paused(client: Client, command: str) -> None:
    campaign = await client.campaign(start=False)
    assert_problem(await client.post(f"/invite/{campaign}/{command}"), 409, "forbidden-now")


@pytest.mark.parametrize("command", ["start", "pause", "resume", "cancel"])
async def test_after_the_end_no_command_is_obeyed(
    client: Client, worker_database: Database, owner: str, command: str, control: RecordingControl
) -> None:
    campaign = await client.campaign()
    async with worker_database.owner(owner) as tx:
        await tx.execute(text("UPDATE campaign SET phase = 'done', ended_at = now() WHERE id = :id"), {"id": campaign})
    problem = assert_problem(await client.post(f"/invite/{campaign}/{command}"), 409, "forbidden-now")
    assert "ended" in problem["detail"]
    assert len(control.delivered) == 1


async def test_a_repeated_command_keeps_its_number(client: Client, control: RecordingControl) -> None:
    campaign = await client.campaign()
    for _ in range(2):
        await client.post(f"/invite/{campaign}/pause")
    assert [(wanted, number) for *_, wanted, number in control.delivered] == [
        (Wanted.RUN, 1),
        (Wanted.PAUSED, 2),
        (Wanted.PAUSED, 2),
    ]


async def test_with_temporal_away_the_wish_is_stored(client: Client, control: RecordingControl) -> None:
    control.away = True
    campaign = await client.campaign()
    assert (await client.post(f"/invite/{campaign}/pause")).json()["state"] == "paused"


async def test_with_temporal_mute_a_command_does_not_wait_for_it(
    app: Any, client: Client, control: RecordingControl, settings: ApiSettings
) -> None:
    impatient = settings.model_copy(update={"temporal_timeout": timedelta(milliseconds=50)})
    app.state.services = replace(app.state.services, settings=impatient)
    control.mute = True
    campaign = await client.campaign()
    assert (await client.post(f"/invite/{campaign}/cancel")).status_code == 200
    answer = await client.get(f"/invite/{campaign}/status", params={"source": "workflow"})
    assert_problem(answer, 503, "unavailable")


LONG = "ж" * 4096


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ...}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"platform": "icq"}, "platform"),
        ({"action": "forward"}, "action"),
        ({"destination": ...}, "destination"),
        ({"destination": "not a link!"}, "destination"),
        ({"destination": "https://example.com/x"}, "destination"),
        ({"destination": "https://t.me/+abcdef"}, "destination"),
        ({"destination": "x" * 501}, "destination"),
        ({"message": {"texts": []}}, "message.texts"),
        ({"message": ...}, "message.texts"),
        ({"message": {"texts": ["ok", LONG + "ж"]}}, "message.texts.1"),
        ({"message": {"texts": ["😀" * 2049]}}, "message.texts.0"),
        ({"message": {"texts": ["  "]}}, "message.texts.0"),
        ({"message": {"texts": ["Hi <b>you</b>"]}}, "message.texts.0"),
        ({"message": {"texts": ["<script src=x"]}}, "message.texts.0"),
        ({"message": {"texts": ["ok", "a {b|c"]}}, "message.texts.1"),
        ({"message": {"texts": ["Hi {{town}}"]}}, "message.texts.0"),
        ({"message": {"texts": ["{{first_name}}"]}}, "message.texts.0"),
        ({"message": {"texts": ["{a|" + LONG + "b}"]}}, "message.texts.0"),
        ({"message": {"texts": ["x"], "forward": "https://t.me/news/1"}}, "message"),
        ({"message": {"forward": "https://t.me/news"}}, "message.forward"),
        ({"message": {"forward": "https://t.me/c/123/4"}}, "message.forward"),
        ({"message": {"forward": ""}}, "message.forward"),
        ({"message": {"texts": ["nul \x00"]}}, "message.texts.0"),
        ({"message": {"texts": ["x"] * 51}}, "message.texts"),
        ({"message": {"texts": [5]}}, "message.texts.0"),
        ({"message": {"texts": ["x"], "html": True}}, "message.html"),
        ({"message_when_refused": "perhaps"}, "message_when_refused"),
        ({"add_contact_first": "perhaps"}, "add_contact_first"),
        ({"add_contact_first": None}, "add_contact_first"),
        ({"join_destination": "perhaps"}, "join_destination"),
        ({"join_destination": 7}, "join_destination"),
        ({"add_contact": True}, "add_contact"),
        ({"account_ids": []}, "account_ids"),
        ({"account_ids": ["zz"]}, "account_ids"),
        ({"account_ids": ["x"] * 1001}, "account_ids"),
        ({"priority": 0}, "priority"),
        ({"priority": 6}, "priority"),
        ({"priority": "high"}, "priority"),
        ({"pace": "furious"}, "pace"),
        ({"limits": {"daily": {"invite": 51}}}, "limits.daily.invite"),
        ({"limits": {"daily": {"invite": -1}}}, "limits.daily.invite"),
        ({"limits": {"daily": {"icq": 1}}}, "limits.daily.icq"),
        ({"limits": {"gap": "5s"}}, "limits.gap"),
        ({"limits": {"gap": "2d"}}, "limits.gap"),
        ({"limits": {"gap": "soon"}}, "limits.gap"),
        ({"limits": {"weekly": 5}}, "limits.weekly"),
        ({"schedule": {"time_zone": "Moscow"}}, "schedule.time_zone"),
        ({"schedule": {"time_zone": "../../etc/passwd"}}, "schedule.time_zone"),
        ({"schedule": {"start_at": "tomorrow"}}, "schedule.start_at"),
        ({"schedule": {"start_at": "2026-03-02T06:00:00"}}, "schedule.start_at"),
        ({"schedule": {"windows": [{"from": "09:00", "to": "09:00"}]}}, "schedule.windows.0.to"),
        ({"schedule": {"windows": [{"from": "22:00", "to": "06:00"}]}}, "schedule.windows.0.to"),
        ({"schedule": {"windows": [{"from": "09:00", "to": "25:00"}]}}, "schedule.windows.0.to"),
        ({"schedule": {"windows": [{"from": "9", "to": "18:00"}]}}, "schedule.windows.0.from"),
        ({"schedule": {"windows": [{"from": "09:00"}]}}, "schedule.windows.0.to"),
        ({"schedule": {"windows": [{"days": [], "from": "09:00", "to": "18:00"}]}}, "schedule.windows.0.days"),
        (
            {"schedule": {"windows": [{"days": ["mon", "mo"], "from": "9:00", "to": "18:00"}]}},
            "schedule.windows.0.days.1",
        ),
        ({"schedule": {"end_at": "2026-03-02T06:00:00Z"}}, "schedule.end_at"),
        ({"audience_id": "not-an-id"}, "audience_id"),
    ],
)
async def test_a_value_that_cannot_be(client: Client, changes: dict[str, Any], field: str) -> None:
    answer = await client.invite(**changes)
    problem = assert_problem(answer, 422, "invalid", field)
    assert "<" not in problem["detail"]
    assert (await client.get("/invite")).json()["items"] == []


@pytest.mark.parametrize("text_", [LONG, "1 < 2 and 3 > 2", "I <3 you", "mail <anna@mail.ru>", "<Имя>"])
async def test_a_text_that_may_be(client: Client, text_: str) -> None:
    assert (await client.invite(message={"texts": [text_]})).status_code == 201


async def test_texts_may_be_templates(client: Client) -> None:
    audience = await client.audience("username;Имя;Город\n@anna;Анна;Омск\n@boris;;\n".encode())
    texts = ["{Привет|Здравствуйте}, {{имя|друг}}!", "{{first_name|{{username}}}}, как дела{{ город |}}?"]
    body = (await client.invite(audience_id=audience, message={"texts": texts})).json()
    assert body["message"] == {"texts": texts, "forward": None}
    assert body["hints"] == []


async def test_the_owner_is_told_of_a_message_that_is_the_same_for_all(client: Client) -> None:
    body = (await client.invite(message={"texts": ["Come to t.me/club"]})).json()
    assert [hint["code"] for hint in body["hints"]] == ["no_variation", "links"]
    assert all(hint["text"]["en"] and hint["text"]["ru"] for hint in body["hints"])
    assert (await client.get(f"/invite/{body['id']}")).json()["hints"] == body["hints"]


async def test_a_forward_is_a_message(client: Client, database: Database, owner: str) -> None:
    message = {"forward": " http://t.me/News/0012?single "}
    body = (await client.invite(action="message", destination=..., message=message)).json()
    assert body["message"] == {"texts": [], "forward": "https://t.me/news/12"}
    assert [hint["code"] for hint in body["hints"]] == ["forward"]
    assert await budget_of(database, owner, body["id"]) == "forward"


@pytest.mark.parametrize(
    ("site", "text_", "budget"),
    [
        ("нет", "{{сайт}} {{имя|друг}}", "message"),
        ("example.com", "{{сайт}} {{имя|друг}}", "message_with_link"),
        ("example.com", "{{имя|друг}}, привет", "message"),
        ("нет", "{{имя|t.me/club}}", "message_with_link"),
        ("club", "https://t.me/{{сайт}}", "message_with_link"),
        ("com", "example.{{сайт}}", "message_with_link"),
    ],
)
async def test_a_link_counts_wherever_it_comes_from(
    client: Client, database: Database, owner: str, site: str, text_: str, budget: str
) -> None:
    audience = await client.audience(f"username;Имя;Сайт\n@anna;Анна;нет\n@boris;;{site}\n".encode())
    campaign = await client.campaign(audience_id=audience, message={"texts": [text_]})
    assert await budget_of(database, owner, campaign) == budget


async def budget_of(database: Database, owner: str, campaign: str) -> str:
    """From what a campaign's messages are paid."""
    async with database.owner(owner) as tx:
        return str(await tx.scalar(text("SELECT message_budget FROM campaign WHERE id = :c"), {"c": campaign}))


async def test_whose_text_would_be_too_long_is_shown(client: Client) -> None:
    audience = await client.audience(("username,name\n@anna,Anna\n@boris," + "B" * 200 + "\n").encode())
    text_ = "x" * 3_990 + " {{first_name|you}}"
    problem = assert_problem(
        await client.invite(audience_id=audience, message={"texts": ["ok", text_]}), 422, "invalid", "message.texts.1"
    )
    assert "4191 characters" in problem["detail"]
    assert "@boris (line 3)" in problem["detail"]
    assert (await client.invite(audience_id=audience, message={"texts": [text_[100:]]})).status_code == 201


async def test_a_column_that_is_not_there_is_named_with_its_place(client: Client) -> None:
    audience = await client.audience(b"username,City\n@anna,Omsk\n")
    problem = assert_problem(
        await client.invite(audience_id=audience, message={"texts": ["From {{town|here}}"]}), 422, "invalid"
    )
    assert "character 6" in problem["detail"]
    assert "City" in problem["detail"]


async def test_html_is_refused_with_its_place(client: Client) -> None:
    problem = assert_problem(await client.invite(message={"texts": ["Hi <b>you</b>"]}), 422, "invalid")
    assert problem["detail"] == "HTML is not allowed: there is a tag at character 4."


async def test_an_audience_that_is_not_there_or_empty(client: Client) -> None:
    assert_problem(await client.invite(audience_id=str(uuid4())), 404, "not-found")
    empty = await client.audience(b"username\n!\n")
    assert_problem(await client.invite(audience_id=empty), 422, "invalid", "audience_id")


async def test_without_any_account(client: Client, neighbour: Neighbour, owner: str) -> None:
    neighbour.accounts[owner] = [account("w1", platform="whatsapp")]
    assert_problem(await client.invite(), 422, "invalid", "account_ids")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.Response(500),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, json={"not": "a list"}),
        httpx.Response(302, headers={"Location": "http://elsewhere.test"}),
    ],
)
async def test_with_integration_service_away_the_campaign_is_made_and_waits(
    client: Client, neighbour: Neighbour, answer: httpx.Response | Exception
) -> None:
    neighbour.answer = answer
    assert (await client.invite(account_ids=["a1"])).status_code == 201


async def test_with_a_token_that_integration_service_refuses(client: Client, neighbour: Neighbour) -> None:
    neighbour.answer = httpx.Response(403)
    assert_problem(await client.invite(), 403, "no-role")


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"", "application/json", 422),
        (b"{", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'"x"', "application/json", 422),
        (b"[" * 100_000, "application/json", 400),
        (b"\xff\xfe", "application/json", 422),
        (b"{}", "text/plain", 422),
        (b'{"name": "\\ud800"}', "application/json", 422),
        (b'{"name": "' + b"x" * 1_100_000 + b'"}', "application/json", 413),
    ],
)
async def test_a_body_that_cannot_be_read(client: Client, content: bytes, content_type: str, status: int) -> None:
    answer = await client.post("/invite", content=content, headers={"Content-Type": content_type})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["x" * 201, "with space", "ключ".encode()])
async def test_a_key_that_cannot_be(client: Client, key: Any) -> None:
    answer = await client.post("/invite", json={}, headers={"Idempotency-Key": key})
    assert_problem(answer, 422, "invalid")


TERMS: dict[str, Any] = {
    "priority": 1,
    "pace": "fast",
    "limits": {"daily": {"invite": 30}, "gap": "20s"},
    "schedule": {
        "start_at": "2026-03-02T06:00:00Z",
        "windows": [{"days": ["mon", "fri"], "from": "09:00", "to": "24:00"}],
        "time_zone": "Europe/Moscow",
    },
}


class TestTerms:
    async def test_are_kept_as_they_were_given(self, client: Client) -> None:
        made = (await client.invite(**TERMS)).json()
        assert {name: made[name] for name in TERMS} == TERMS
        assert (made["state"], made["why"]["code"], made["why"]["until"]) == (
            "scheduled",
            "scheduled",
            "2026-03-02T06:00:00Z",
        )
        assert made["why"]["ended_by"]["code"] == "time"

    async def test_by_default_it_is_one_like_any_other_at_any_hour_and_spread_over_the_day(
        self, client: Client
    ) -> None:
        made = (await client.invite()).json()
        assert (made["priority"], made["pace"], made["limits"]["daily"]) == (3, "even", {})
        assert made["schedule"] == {"start_at": None, "windows": [], "time_zone": "UTC"}


class TestEdit:
    async def test_changes_what_is_given_and_tells_the_workflow(
        self, client: Client, control: RecordingControl
    ) -> None:
        campaign = await client.campaign(**TERMS)
        answer = await client.patch(f"/invite/{campaign}", json={"priority": 5, "message": {"texts": ["New"]}})
        edited = answer.json()
        assert answer.status_code == 200
        assert {name: edited[name] for name in TERMS} == TERMS | {"priority": 5}
        assert (edited["message"]["texts"], edited["revision"]) == (["New"], 2)
        assert control.edits == [(UUID(campaign), 2, 2)]

    async def test_a_new_text_is_checked_for_the_campaigns_own_people(self, client: Client) -> None:
        """The audience that they came from may be gone, and with it what its columns hold."""
        content = f"username;site\n@anna;{'x' * 90}\n@boris;example.com\n".encode()
        audience = await client.audience(content)
        campaign = await client.campaign(audience_id=audience)
        await client.delete(f"/audiences/{audience}")
        too_long = {"texts": ["x" * 4_010 + "{{site}}"]}
        problem = assert_problem(
            await client.patch(f"/invite/{campaign}", json={"message": too_long}), 422, "invalid", "message.texts.0"
        )
        assert "For @anna (line 1) it can become that long." in problem["detail"]
        unknown = await client.patch(f"/invite/{campaign}", json={"message": {"texts": ["{{town|x}}"]}})
        assert "It has: username, phone, user_id, first_name, last_name, site." in unknown.json()["detail"]
        answer = await client.patch(f"/invite/{campaign}", json={"message": {"texts": ["Hi {{site|x}}"]}})
        assert [hint["code"] for hint in answer.json()["hints"]] == ["links"]

    async def test_what_changes_nothing_is_no_revision(self, client: Client, control: RecordingControl) -> None:
        campaign = await client.campaign(**TERMS)
        same = {"priority": 1, "schedule": TERMS["schedule"], "message": {"texts": ["Hello!"]}}
        for body in ({}, same):
            assert (await client.patch(f"/invite/{campaign}", json=body)).json()["revision"] == 1
        assert control.edits == []

    async def test_accounts_are_chosen_anew_or_all(self, client: Client) -> None:
        campaign = await client.campaign(account_ids=["a1"])
        edited = await client.patch(f"/invite/{campaign}", json={"account_ids": ["a2", "a1", "a2"]})
        assert edited.json()["account_ids"] == ["a1", "a2"]
        edited = await client.patch(f"/invite/{campaign}", json={"account_ids": "all"})
        assert (edited.json()["account_ids"], edited.json()["revision"]) == (None, 3)

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"priority": 9}, "priority"),
            ({"limits": {"daily": {"message": 41}}}, "limits.daily.message"),
            ({"schedule": {"windows": [{"from": "10:00", "to": "09:00"}]}}, "schedule.windows.0.to"),
            ({"message": {"texts": ["<b>x</b>"]}}, "message.texts.0"),
            ({"message": {"texts": []}}, "message.texts"),
            ({"account_ids": ["zz"]}, "account_ids"),
            ({"account_ids": []}, "account_ids"),
            ({"destination": "@other"}, "destination"),
            ({"name": "Other"}, "name"),
        ],
    )
    async def test_a_value_that_cannot_be(self, client: Client, body: dict[str, Any], field: str) -> None:
        campaign = await client.campaign()
        answer = await client.patch(f"/invite/{campaign}", json=body)
        problem = assert_problem(answer, 422, "invalid")
        assert any(each["field"].startswith(field) for each in problem["errors"]), problem
        assert (await client.get(f"/invite/{campaign}")).json()["revision"] == 1

    async def test_with_temporal_away_it_stands_all_the_same(self, client: Client, control: RecordingControl) -> None:
        campaign = await client.campaign()
        control.away = True
        assert (await client.patch(f"/invite/{campaign}", json={"priority": 2})).json()["priority"] == 2

    async def test_a_draft_is_edited_without_a_workflow(self, client: Client, control: RecordingControl) -> None:
        campaign = await client.campaign(start=False)
        assert (await client.patch(f"/invite/{campaign}", json={"priority": 2})).json()["state"] == "draft"
        assert control.edits == []
        assert (await client.post(f"/invite/{campaign}/start")).json()["state"] == "running"

    async def test_what_has_ended_cannot_be_changed(
        self, client: Client, owner: str, worker_database: Database
    ) -> None:
        campaign = await client.campaign()
        async with worker_database.owner(owner) as tx:
            await tx.execute(text("UPDATE campaign SET phase = 'done', ended_at = now()"))
        assert_problem(await client.patch(f"/invite/{campaign}", json={"priority": 2}), 409, "forbidden-now")

    async def test_finishing_is_for_a_campaign_that_waits(
        self, client: Client, owner: str, worker_database: Database
    ) -> None:
        campaign = await client.campaign()
        assert_problem(await client.post(f"/invite/{campaign}/finish"), 409, "forbidden-now")
        async with worker_database.owner(owner) as tx:
            await tx.execute(text("UPDATE campaign SET phase = 'waiting', why = 'accounts_gone'"))
        for _ in range(2):
            finished = (await client.post(f"/invite/{campaign}/finish")).json()
            assert finished["state"] == "done_with_errors"

    async def test_a_failed_one_is_started_again(
        self, client: Client, owner: str, worker_database: Database, control: RecordingControl
    ) -> None:
        campaign = await client.campaign()
        async with worker_database.owner(owner) as tx:
            await tx.execute(text("UPDATE campaign SET phase = 'failed', ended_at = now(), acknowledged_no = 1"))
        assert (await client.post(f"/invite/{campaign}/start")).status_code == 200
        assert control.delivered[-1][1:] == (UUID(campaign), "telegram", Wanted.RUN, 2)
