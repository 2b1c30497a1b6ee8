"""`/suppression`, `/people`, and campaigns that leave people out, over HTTP."""

from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text

from storage.engine import Database
from tests.api.conftest import Client, assert_problem


async def skipped(client: Client, campaign: str) -> dict[str, int]:
    counts: dict[str, Any] = (await client.get(f"/invite/{campaign}/status")).json()["counts"]
    found: dict[str, int] = counts["skipped"]
    return found


async def entries(client: Client, limit: int = 500) -> list[str | None]:
    found: list[str | None] = []
    after = ""
    while after is not None:
        page = (await client.get("/suppression", params={"after": after, "limit": limit})).json()
        found += [each["identifier"] for each in page["items"]]
        after = page["next"]
    return found


async def test_it_is_empty_at_first(client: Client) -> None:
    assert (await client.get("/suppression")).json() == {"items": [], "next": None}


async def test_people_are_put_on_it_in_whatever_spelling(client: Client) -> None:
    body = {"identifiers": ["@Anna_K", "https://t.me/boris", "+7 900 123-45-67", "anna_k", "???"], "reason": "asked"}
    answer = await client.post("/suppression", json=body)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["added"], told["known"], told["dropped_count"]) == (3, 0, 1)
    assert [(each["line"], each["reason"]) for each in told["dropped"]] == [(5, "not_a_name")]
    assert sorted(map(str, await entries(client, limit=2))) == ["+79001234567", "@anna_k", "@boris"]
    again = await client.post("/suppression", json={"identifiers": ["@boris"]})
    assert (again.json()["added"], again.json()["known"]) == (0, 1)


async def test_a_file_is_read_as_an_audience_is(client: Client) -> None:
    content = "Ник;Телефон\n@anna;+7 900 123-45-67\n!;\n@boris;\n".encode("cp1251")
    answer = await client.post("/suppression/upload", files={"file": ("stop.csv", content)})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["added"], answer.json()["dropped_count"]) == (3, 1)
    assert_problem(await client.post("/suppression/upload", files={"file": ("stop.csv", b"")}), 422, "bad-file")


async def test_a_file_may_be_as_large_as_an_audiences(client: Client) -> None:
    content = b"username,note\n" + b"".join(b"person_%d,%s\n" % (n, b"x" * 600) for n in range(2_500))
    assert 1024 * 1024 < len(content) < 2 * 1024 * 1024
    answer = await client.post("/suppression/upload", files={"file": ("stop.csv", content)})
    assert (answer.status_code, answer.json().get("added")) == (200, 2_500), answer.text
    too_large = {"file": ("stop.csv", b"@anna\n" * (3 * 1024 * 1024 // 6))}
    assert_problem(await client.post("/suppression/upload", files=too_large), 413, "too-large")


async def test_who_is_on_it_is_skipped_until_taken_off(client: Client) -> None:
    await client.post("/suppression", json={"identifiers": ["@boris"]})
    assert await skipped(client, await client.campaign()) == {"suppressed": 1}
    assert (await client.delete("/suppression/@boris")).status_code == 204
    assert await skipped(client, await client.campaign()) == {}
    assert_problem(await client.delete("/suppression/@boris"), 404, "not-found")
    assert_problem(await client.delete("/suppression/!"), 422, "invalid", "identifier")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"identifiers": []}, "identifiers"),
        ({"identifiers": ["x"] * 10_001}, "identifiers"),
        ({"identifiers": ["@a\0b"]}, "identifiers.0"),
        ({"identifiers": ["@anna"], "source": "me"}, "source"),
        ({}, "identifiers"),
    ],
)
async def test_bad_bodies(client: Client, body: Any, field: str) -> None:
    assert_problem(await client.post("/suppression", json=body), 422, "invalid", field)


async def test_a_person_is_erased(client: Client, stranger: Client) -> None:
    campaign = await client.campaign()
    told = (await client.delete("/people/@boris")).json()
    assert (told["campaigns"], told["listed"]) == (1, 1)
    report = (await client.get(f"/invite/{campaign}/report")).text
    assert "boris" not in report
    assert await skipped(client, campaign) == {"suppressed": 1}
    assert await entries(client) == [None]
    assert (await stranger.delete("/people/@anna")).json()["campaigns"] == 0
    assert "anna" in (await client.get(f"/invite/{campaign}/report")).text


async def test_who_was_erased_stays_on_the_list(client: Client) -> None:
    await client.delete("/people/@boris")
    assert_problem(await client.delete("/suppression/@boris"), 409, "forbidden-now")
    assert await skipped(client, await client.campaign()) == {"suppressed": 1}


async def test_somebody_is_named_by_a_link_as_well(client: Client) -> None:
    link = quote("https://t.me/boris?start=1", safe="")
    await client.post("/suppression", json={"identifiers": ["@boris"]})
    assert (await client.delete(f"/suppression/{link}")).status_code == 204
    await client.campaign()
    assert (await client.delete(f"/people/{link}")).json()["listed"] == 1


async def test_only_the_erased_persons_digest_is_in_the_audit_log(client: Client, capsys: Any) -> None:
    await client.delete("/people/@boris")
    assert "boris" not in "".join(capsys.readouterr())


class TestRetry:
    @pytest.fixture
    async def ended(self, client: Client, worker_database: Database, owner: str) -> str:
        """A campaign that has ended: one was invited, one refused, one account was gone."""
        campaign = await client.campaign()
        outcomes = [("invited", ""), ("refused", "privacy"), ("failed", "accounts_exhausted")]
        async with worker_database.owner(owner) as tx:
            for position, (kind, reason) in enumerate(outcomes):
                await tx.execute(
                    text(
                        "UPDATE recipient SET outcome = :kind, reason = :reason, settled_at = now() "
                        "WHERE campaign_id = CAST(:campaign AS uuid) AND position = :position"
                    ),
                    {"kind": kind, "reason": reason, "campaign": campaign, "position": position},
                )
            await tx.execute(
                text("UPDATE campaign SET phase = 'done', ended_at = now() WHERE id = CAST(:id AS uuid)"),
                {"id": campaign},
            )
        return campaign

    async def test_a_campaign_of_those_who_failed(self, client: Client, ended: str) -> None:
        body = {"reasons": ["privacy", "accounts_exhausted"], "name": "Once more", "start": False}
        made = await client.post(f"/invite/{ended}/retry", json=body, headers={"Idempotency-Key": "k"})
        assert made.status_code == 201
        told = made.json()
        assert (told["recipients"], told["name"], told["state"]) == (2, "Once more", "draft")
        assert told["message"] == (await client.get(f"/invite/{ended}")).json()["message"]
        again = await client.post(f"/invite/{ended}/retry", json=body, headers={"Idempotency-Key": "k"})
        assert (again.status_code, again.json()["id"]) == (200, told["id"])
        other = await client.campaign()
        answer = await client.post(f"/invite/{other}/retry", json=body, headers={"Idempotency-Key": "k"})
        assert_problem(answer, 409, "forbidden-now")
        assert "Idempotency-Key" in answer.json()["detail"]

    async def test_what_cannot_pass_is_not_tried_again(self, client: Client, ended: str) -> None:
        answer = await client.post(f"/invite/{ended}/retry", json={"reasons": ["privacy", "deleted"]})
        assert "accounts_exhausted" in assert_problem(answer, 422, "invalid", "reasons.1")["detail"]

    async def test_nobody_failed_for_that(self, client: Client, ended: str) -> None:
        answer = await client.post(f"/invite/{ended}/retry", json={"reasons": ["no_path"]})
        assert_problem(answer, 409, "forbidden-now")

    async def test_a_campaign_that_goes_on(self, client: Client) -> None:
        campaign = await client.campaign()
        answer = await client.post(f"/invite/{campaign}/retry", json={"reasons": ["privacy"]})
        assert_problem(answer, 409, "forbidden-now")

    async def test_whom_it_reached_is_left_out_by_choice(self, client: Client, ended: str) -> None:
        other = await client.campaign(exclude_reached_by=[ended], skip_refused=True)
        assert await skipped(client, other) == {"reached_before": 1}
        answer = await client.invite(exclude_reached_by=["00000000-0000-4000-8000-000000000000"])
        assert_problem(answer, 404, "not-found")
