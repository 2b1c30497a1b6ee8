"""Lists from parsing-service, and lists within the request."""

from uuid import UUID

from domain.audience import FileLimits, ImportFault
from domain.parsed import ParsedPage
from storage.engine import Database
from storage.imports import Imports
from tests.api.conftest import Client, assert_problem
from tests.api.control import RecordingControl


async def started(client: Client) -> UUID:
    answer = await client.post("/audiences/import", json={"parsed_data_id": "chat-42", "platform": "telegram"})
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/audiences/{answer.json()['id']}"
    return UUID(answer.json()["id"])


async def test_an_import_is_followed_to_its_end(
    client: Client, owner: str, control: RecordingControl, worker_database: Database
) -> None:
    audience_id = await started(client)
    assert control.imports == [(owner, audience_id)]
    imports = Imports(worker_database, FileLimits())
    place = await imports.place(owner, audience_id)
    await imports.keep(owner, audience_id, place, ParsedPage('["@anna", "!"]', 2, "telegram", 3, "next"))
    shown = (await client.get(f"/audiences/{audience_id}")).json()
    assert (shown["state"], shown["progress"], shown["name"]) == ("importing", {"read": 2, "total": 3}, "chat-42")
    assert_problem(await client.invite(audience_id=str(audience_id)), 422, "invalid", "audience_id")
    place = await imports.place(owner, audience_id)
    await imports.keep(owner, audience_id, place, ParsedPage('["@ANNA"]', 1, "telegram", 3, None))
    await imports.finish(owner, audience_id)
    shown = (await client.get(f"/audiences/{audience_id}")).json()
    assert (shown["state"], shown["stored"], shown["reasons"]) == ("ready", 1, {"not_a_name": 1, "duplicate": 1})
    assert (await client.invite(audience_id=str(audience_id))).status_code == 201


async def test_a_failed_import_says_why_and_can_be_deleted(
    client: Client, owner: str, worker_database: Database
) -> None:
    audience_id = await started(client)
    await Imports(worker_database, FileLimits()).fail(owner, audience_id, ImportFault.NOT_FOUND)
    shown = (await client.get(f"/audiences/{audience_id}")).json()
    assert (shown["state"], shown["error"]["code"]) == ("failed", "parsed_data_not_found")
    assert shown["error"]["text"]["ru"].startswith("В parsing-service")
    refused = assert_problem(await client.invite(audience_id=str(audience_id)), 422, "invalid", "audience_id")
    assert "has failed" in str(refused["errors"])
    assert (await client.delete(f"/audiences/{audience_id}")).status_code == 200


async def test_without_temporal_the_import_is_left_to_the_reconciler(client: Client, control: RecordingControl) -> None:
    control.away = True
    audience_id = await started(client)
    assert (await client.get(f"/audiences/{audience_id}")).json()["state"] == "importing"


async def test_an_import_of_an_unknown_platform_is_refused(client: Client) -> None:
    answer = await client.post("/audiences/import", json={"parsed_data_id": "x", "platform": "pigeons"})
    assert_problem(answer, 422, "invalid", "platform")


async def test_people_in_the_request_become_an_audience_cleaned_as_a_file_is(client: Client) -> None:
    people = ["@anna", "+79001234567", {"username": "boris1", "city": "Tomsk"}, {"user_id": 7, "username": "ANNA"}, "!"]
    answer = await client.invite(audience_id=..., recipients=people)
    assert answer.status_code == 201, answer.text
    audience = (await client.get(f"/audiences/{answer.json()['audience_id']}")).json()
    assert (audience["rows_read"], audience["stored"]) == (5, 3)
    assert audience["reasons"] == {"duplicate": 1, "not_a_name": 1}


async def test_the_same_key_makes_one_campaign_of_one_list(client: Client) -> None:
    first = await client.invite("key", audience_id=..., recipients=["@anna"])
    again = await client.invite("key", audience_id=..., recipients=["@anna"])
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert len((await client.get("/audiences")).json()["items"]) == 1


async def test_what_cannot_be_is_told_and_leaves_no_audience(client: Client) -> None:
    for people in ([], ["@anna"] * 1001, ["!"], [{"city": "Tomsk"}], [{"username": "x" * 20_000}]):
        assert_problem(await client.invite(audience_id=..., recipients=people), 422, "invalid", "recipients")
    wrong = await client.invite(audience_id=..., recipients=["@anna"], message={"texts": ["{{city}}"]})
    assert_problem(wrong, 422, "invalid")
    assert (await client.get("/audiences")).json()["items"] == []
    assert_problem(await client.invite(audience_id=...), 422, "invalid", "audience_id")
