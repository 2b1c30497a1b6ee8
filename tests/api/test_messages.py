"""`/messages`: previews of what everybody would get, and tests that are sent to oneself."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from structlog.testing import capture_logs

from api.schemas.messages import MOST_PREVIEWS
from domain.campaign import Wanted
from domain.message import Message, choose
from domain.recipient import Person
from tests.api.conftest import Client, ManualClock, assert_problem
from tests.api.control import RecordingControl
from tests.api.neighbour import Neighbour

PEOPLE = "username;phone;Имя;Город\n@anna;;Анна;Омск\n@boris;;;{a|b}\n;+79990000001;Вера;\n".encode()
TEXT = "{Привет|Здравствуйте}, {{имя|друг}} из {{город|города}}! {{username|?}}"


async def preview(client: Client, content: bytes = PEOPLE, **changes: Any) -> Any:
    audience = changes.pop("audience_id", None) or await client.audience(content)
    body = {"platform": "telegram", "audience_id": audience, "message": {"texts": [TEXT]}} | changes
    return await client.post("/messages/preview", json=body)


class TestPreview:
    async def test_it_shows_what_real_people_would_get(self, client: Client) -> None:
        answer = await preview(client)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert (body["budget"], body["hints"], body["allowed"], body["next"]) == ("message", [], 4096, None)
        assert [item["recipient"] for item in body["items"]] == ["@anna", "@boris", "+79990000001"]
        assert [item["line"] for item in body["items"]] == [2, 3, 4]
        ends = ["Анна из Омск! anna", "друг из {a|b}! boris", "Вера из города! ?"]
        for item, end in zip(body["items"], ends, strict=True):
            assert item["text"] in (f"Привет, {end}", f"Здравствуйте, {end}")
            assert item["length"] == len(item["text"]) <= body["longest"]
            assert item["has_link"] is False
        assert (await client.get("/invite")).json()["items"] == []

    async def test_it_is_drawn_as_a_campaign_draws(self, client: Client) -> None:
        audience = await client.audience(b"username\n" + b"".join(b"person_%d\n" % n for n in range(20)))
        message = Message(("{a|b|c} {d|e}", "f"))
        body = (await preview(client, audience_id=audience, message={"texts": message.texts}, count=20)).json()
        last, expected = None, []
        for n in range(20):
            written = choose(message, Person(n, f"person_{n}"), audience, last)
            last = written.fingerprint
            expected.append(written.text)
        assert [item["text"] for item in body["items"]] == expected

    async def test_it_goes_on_where_the_page_before_ended(self, client: Client) -> None:
        audience = await client.audience(PEOPLE)
        first = (await preview(client, audience_id=audience, count=2)).json()
        then = (await preview(client, audience_id=audience, count=2, after=first["next"])).json()
        assert [item["position"] for item in [*first["items"], *then["items"]]] == [0, 1, 2]
        assert then["next"] is None

    @pytest.mark.parametrize(
        ("text", "budget", "hints"),
        [
            ("Same", "message", ["no_variation"]),
            ("Hi, {{имя}}", "message", ["no_fallback"]),
            ("{a|b} t.me/club", "message_with_link", ["links"]),
            ("{a|b}.{{город}}", "message_with_link", ["links"]),
        ],
    )
    async def test_it_tells_what_the_owner_should_know(
        self, client: Client, text: str, budget: str, hints: list[str]
    ) -> None:
        content = "username;Имя;Город\n@anna;Анна;Омск\n@boris;;com\n".encode()
        body = (await preview(client, content, message={"texts": [text]})).json()
        found = [hint["code"] for hint in body["hints"] if hint["code"] != "no_fallback" or "город" not in text]
        assert (body["budget"], found) == (budget, hints)
        assert any(item["has_link"] for item in body["items"]) == (budget == "message_with_link")

    async def test_a_post_has_no_text(self, client: Client) -> None:
        body = (await preview(client, message={"forward": "t.me/news/7"})).json()
        assert (body["budget"], [hint["code"] for hint in body["hints"]]) == ("forward", ["forward"])
        assert [item["text"] for item in body["items"]] == [None] * 3

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"message": {}}, "message.texts"),
            ({"message": {"texts": ["{a"]}}, "message.texts.0"),
            ({"message": {"texts": ["{{nothing}} x"]}}, "message.texts.0"),
            ({"message": {"texts": ["a", "x" * 5000]}}, "message.texts.1"),
            ({"message": {"forward": "example.com/1"}}, "message.forward"),
            ({"platform": "icq"}, "platform"),
            ({"count": 0}, "count"),
            ({"count": MOST_PREVIEWS + 1}, "count"),
            ({"after": -2}, "after"),
            ({"seed": 1}, "seed"),
        ],
    )
    async def test_a_value_that_cannot_be(self, client: Client, changes: dict[str, Any], field: str) -> None:
        assert_problem(await preview(client, **changes), 422, "invalid", field)

    async def test_an_audience_of_another_owner_is_not_there(self, client: Client, stranger: Client) -> None:
        audience = await client.audience(PEOPLE)
        assert_problem(await preview(stranger, audience_id=audience), 404, "not-found")
        assert_problem(await preview(client, audience_id=str(uuid4())), 404, "not-found")


async def try_out(client: Client, key: str | None = None, **changes: Any) -> Any:
    body = {
        "platform": "telegram",
        "account_id": "a1",
        "to": "@Myself_1",
        "message": {"texts": [TEXT]},
        "fields": {"Имя": "Анна"},
    } | changes
    return await client.post("/messages/test", json=body, headers={"Idempotency-Key": key} if key else {})


class TestToOneself:
    async def test_it_is_a_campaign_of_one_recipient_and_one_account(
        self, client: Client, owner: str, control: RecordingControl
    ) -> None:
        answer = await try_out(client)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert (body["recipients"], body["action"], body["audience_id"]) == (1, "message", None)
        assert (body["account_ids"], body["state"], body["dry_run"]) == (["a1"], "running", False)
        assert control.delivered == [(owner, UUID(body["id"]), "telegram", Wanted.RUN, 1)]
        assert answer.headers["location"] == f"/invite/{body['id']}"
        assert (await client.get(f"/invite/{body['id']}/status")).json()["counts"]["total"] == 1
        people = (await client.get(f"/invite/{body['id']}/report")).json()
        assert "myself_1" in str(people)

    async def test_tests_are_listed_apart(self, client: Client) -> None:
        made = (await try_out(client)).json()
        assert (await client.get("/invite")).json()["items"] == []
        assert [each["id"] for each in (await client.get("/invite?tests=true")).json()["items"]] == [made["id"]]

    async def test_the_same_key_sends_one(self, client: Client) -> None:
        first, again = await try_out(client, "k"), await try_out(client, "k")
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json()["id"] == again.json()["id"]
        assert_problem(await try_out(client, "k", to="@another"), 409, "forbidden-now")

    async def test_only_so_many_an_hour(self, app: Any, client: Client, clock: ManualClock) -> None:
        most = app.state.services.settings.tests_per_hour
        for _ in range(most):
            assert (await try_out(client, dry_run=True)).status_code == 201
        answer = await try_out(client)
        assert_problem(answer, 429, "too-many")
        assert 3_590 <= int(answer.headers["retry-after"]) <= 3_600
        clock.at += timedelta(hours=1)
        assert (await try_out(client)).status_code == 201

    async def test_a_forward_can_be_tested(self, client: Client) -> None:
        body = (await try_out(client, message={"forward": "t.me/news/7"})).json()
        assert body["message"]["forward"] == "https://t.me/news/7"

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"to": "not a name!"}, "to"),
            ({"to": "89991234567"}, "to"),
            ({"to": ""}, "to"),
            ({"account_id": "zz"}, "account_ids"),
            ({"platform": "icq"}, "platform"),
            ({"message": {}}, "message.texts"),
            ({"message": {"texts": ["{{town}}"]}}, "message.texts.0"),
            ({"message": {"texts": ["{{имя}}" * 2 + "x" * 4090]}}, "message.texts.0"),
            ({"message": {"texts": ["<b>x</b>"]}}, "message.texts.0"),
            ({"fields": {"x": "y" * 1001}}, "fields.x"),
            ({"fields": {"x": "a\x00"}}, "fields.x"),
            ({"fields": {str(n): "" for n in range(51)}}, "fields"),
        ],
    )
    async def test_a_value_that_cannot_be(self, client: Client, changes: dict[str, Any], field: str) -> None:
        assert_problem(await try_out(client, **changes), 422, "invalid", field)
        assert (await client.get("/invite?tests=true")).json()["items"] == []

    async def test_it_is_audited_without_anything_personal(self, client: Client, owner: str) -> None:
        with capture_logs() as logs:
            made = (await try_out(client, message={"texts": ["a very secret text"]})).json()
        [event] = [each for each in logs if each["event"] == "test_message"]
        assert (event["owner"], event["campaign_id"], event["account_id"]) == (owner, made["id"], "a1")
        assert "secret" not in str(logs)
        assert "myself" not in str(logs)

    async def test_with_the_accounts_unknown_nothing_is_sent(self, client: Client, neighbour: Neighbour) -> None:
        neighbour.answer = httpx.ConnectError("away")
        assert_problem(await try_out(client), 503, "unavailable")
