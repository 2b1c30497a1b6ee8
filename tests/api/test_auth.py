"""Tokens: what is let in, and every way of forging one that is not (SEC-1)."""

import base64
import json
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from api.app import create_app
from api.dependencies import Services
from api.keys import KeySource
from runtime.settings import ApiSettings
from tests.api.conftest import SECRET, Client, assert_problem, make_token
from tests.api.issuer import URL, PublishingIssuer, pem, published

PAST = datetime.now(UTC) - timedelta(hours=1)


def unsigned(owner: str, algorithm: str = "none") -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {"sub": owner, "aud": "invite-service", "exp": time.time() + 60, "roles": ["user"]}
    return f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims)}."


async def test_a_right_token_is_let_in(client: Client) -> None:
    assert (await client.get("/invite")).status_code == 200


@pytest.mark.parametrize("roles", [("user",), ("admin",), ("user", "other")])
async def test_either_role_will_do(nobody: Client, owner: str, roles: tuple[str, ...]) -> None:
    answer = await nobody.get("/invite", headers={"Authorization": f"Bearer {make_token(owner, roles)}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "claims",
    [{"aud": ["other", "invite-service"]}, {"exp": str(int(time.time()) + 86_400)}, {"exp": time.time() + 86_400.5}],
    ids=["among other audiences", "expiry as a text", "expiry with a fraction"],
)
async def test_what_others_write_in_other_ways(nobody: Client, owner: str, claims: dict[str, Any]) -> None:
    answer = await nobody.get("/invite", headers={"Authorization": f"Bearer {make_token(owner, **claims)}"})
    assert answer.status_code == 200


def signed(claims: str, header: str = '{"alg": "HS256", "typ": "JWT"}') -> str:
    """With the right key, whatever stands in it: the issuer's mistake, or the forger's luck."""
    parts = [base64.urlsafe_b64encode(part.encode()).rstrip(b"=") for part in (header, claims)]
    signature = jwt.get_algorithm_by_name("HS256").sign(b".".join(parts), SECRET.encode())
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def with_claims(more: str) -> str:
    return signed(f'{{"sub": "o", "aud": "invite-service", "roles": ["user"], {more}}}')


def with_header(header: str) -> str:
    return signed('{"sub": "o", "aud": "invite-service", "roles": ["user"], "exp": 9999999999}', header)


BAD_TOKENS: Mapping[str, Any] = {
    "garbage": "garbage",
    "three parts of garbage": "a.b.c",
    "no algorithm": unsigned("o"),
    "NONE": unsigned("o", "NONE"),
    "another algorithm": make_token("o", algorithm="HS512"),
    "another secret": make_token("o", key="x" * 40),
    "another audience": make_token("o", aud="other-service"),
    "no audience": make_token("o", aud=None),
    "expired": make_token("o", exp=PAST),
    "no expiry": make_token("o", exp=None),
    "expiry is no number": make_token("o", exp="soon"),
    "expiry is not a number": with_claims('"exp": NaN'),
    "expiry never comes": with_claims('"exp": 1e999'),
    "expiry is past all numbers": with_claims(f'"exp": 1{"0" * 400}'),
    "expiry is a list": with_claims('"exp": [9999999999]'),
    "expiry twice, the last one passed": with_claims('"exp": 9999999999, "exp": 1'),
    "issued in the future": make_token("o", iat=datetime.now(UTC) + timedelta(hours=1)),
    "one of many audiences, not ours": make_token("o", aud=["other", "others"]),
    "an audience that is none": make_token("o", aud={"invite-service": True}),
    "a subject that is a number": with_claims('"exp": 9999999999, "sub": 5'),
    "claims that are a list": signed("[]"),
    "claims too deep": signed("[" * 3_000),
    "critical header": make_token("o", headers={"crit": ["exp"], "exp": 1}),
    "a key id that is a list": with_header('{"alg": "HS256", "kid": ["a"]}'),
    "not yet": make_token("o", nbf=datetime.now(UTC) + timedelta(hours=1)),
    "no subject": make_token("o", sub=None),
    "empty subject": make_token(""),
    "a subject with NUL": make_token("o\0x"),
    "a long subject": make_token("x" * 201),
    "oversized": make_token("o", extra="x" * 10_000),
}


@pytest.mark.parametrize("name", BAD_TOKENS)
async def test_a_bad_token(nobody: Client, name: str) -> None:
    answer = await nobody.get("/invite", headers={"Authorization": f"Bearer {BAD_TOKENS[name]}"})
    problem = assert_problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert BAD_TOKENS[name] not in json.dumps(problem)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic dTpw", "Token x"])
async def test_no_token(nobody: Client, header: str | None) -> None:
    answer = await nobody.get("/invite", headers={} if header is None else {"Authorization": header})
    assert_problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize("roles", [(), ("service",), "user", None, {"user": 1}, [["user"]], 5])
async def test_without_a_role(nobody: Client, owner: str, roles: Any) -> None:
    answer = await nobody.get("/invite", headers={"Authorization": f"Bearer {make_token(owner, roles)}"})
    assert_problem(answer, 403, "no-role")


@pytest.mark.parametrize("roles", [("service",), ("service", "other"), ("User",), ("user ",)])
async def test_a_neighbours_token_opens_nothing_of_an_owners(app: Any, client: Client, owner: str, roles: Any) -> None:
    campaign = await client.campaign()
    ids = dict.fromkeys(("campaign_id", "audience_id", "check_id"), campaign) | {
        "account_id": "a1",
        "identifier": "@anna",
    }
    async with Client(app, make_token(owner, roles)) as neighbour:
        for path, method in routes_of_owners(app):
            assert_problem(await neighbour.request(method, path.format(**ids)), 403, "no-role")


async def test_every_route_but_health_wants_a_token(nobody: Client, app: Any) -> None:
    for path, method in routes(app):
        answer = await nobody.request(method, path.replace("{", "").replace("}", ""))
        if path in ("/livez", "/readyz"):
            assert answer.status_code == 200
        else:
            assert_problem(answer, 401, "unauthenticated")


def routes(app: Any) -> list[tuple[str, str]]:
    return [(path, method.upper()) for path, operations in app.openapi()["paths"].items() for method in operations]


def routes_of_owners(app: Any) -> list[tuple[str, str]]:
    """Those that take an owner's token."""
    paths = app.openapi()["paths"]
    return [each for each in routes(app) if {"HTTPBearer": []} in paths[each[0]][each[1].lower()].get("security", ())]


RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
FIRST = {"kid": "first"}


def published_keys(key: Any) -> tuple[dict[str, Any], KeySource]:
    issuer = PublishingIssuer(published("first", key))
    return {"jwt_jwks_url": URL}, issuer.keys("ES256" if key is EC_KEY else "RS256")


@pytest.mark.parametrize(("algorithm", "key"), [("RS256", RSA_KEY), ("ES256", EC_KEY)])
@pytest.mark.parametrize("source", ["settings", "published"])
async def test_with_a_public_key(
    app: Any, settings: ApiSettings, owner: str, algorithm: str, key: Any, source: str
) -> None:
    services: Services = app.state.services
    given, keys = ({"jwt_public_key": pem(key)}, None) if source == "settings" else published_keys(key)
    other = ApiSettings(
        database_url=settings.database_url,
        integration_url=settings.integration_url,
        webhook_key=settings.webhook_key,
        jwt_algorithm=algorithm,  # type: ignore[arg-type]
        jwt_issuer="gateway",
        **given,
    )
    forger = rsa.generate_private_key(65537, 2048) if key is RSA_KEY else ec.generate_private_key(ec.SECP256R1())
    theirs = published("first", forger)

    def token(key: Any = key, algorithm: str = algorithm, headers: Mapping[str, Any] = FIRST, **claims: Any) -> str:
        return make_token(owner, key=key, algorithm=algorithm, headers=headers, **{"iss": "gateway", **claims})

    async with Client(create_app(other, services, keys), None) as client:

        async def ask(token: str) -> httpx.Response:
            return await client.get("/invite", headers={"Authorization": f"Bearer {token}"})

        assert (await ask(token())).status_code == 200
        bad = {
            "no issuer": token(iss=None),
            "another issuer": token(iss="other"),
            "a shared secret": token(SECRET, "HS256"),
            "the public key as a secret": hs256_signed_with(pem(key), owner),
            "the JWK as a secret": hs256_signed_with(json.dumps(published("first", key)), owner),
            "unsigned": unsigned(owner),
            "somebody's key": token(forger),
            "its own key brought along": token(forger, headers=FIRST | {"jwk": theirs}),
            "its own address of keys": token(forger, headers=FIRST | {"jku": "https://evil.test/jwks"}),
            "its own certificate": token(forger, headers=FIRST | {"x5u": "https://evil.test/x5u", "x5c": ["AAAA"]}),
            "expired": token(exp=PAST),
            "another audience": token(aud="other"),
        }
        if source == "published":
            bad |= {
                "an unknown key": token(headers={"kid": "second"}),
                "no key's name": token(headers={}),
                "a path": token(headers={"kid": "../../dev/null"}),
                "an endless name": token(headers={"kid": "x" * 1_000}),
            }
        for name, each in bad.items():
            assert (await ask(each)).status_code == 401, name


def hs256_signed_with(public_key: str, owner: str) -> str:
    """PyJWT refuses to make such a token; a forger would not."""
    header_and_claims = unsigned(owner, "HS256").rstrip(".")
    signature = jwt.get_algorithm_by_name("HS256").sign(header_and_claims.encode(), public_key.encode())
    return f"{header_and_claims}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


class TestAdministrators:
    @pytest.fixture
    async def admin(self, app: Any) -> AsyncIterator[Client]:
        async with Client(app, make_token("the-administrator", ("admin",))) as client:
            yield client

    async def test_they_read_what_belongs_to_any_owner(self, client: Client, admin: Client, owner: str) -> None:
        campaign = await client.campaign()
        mine = (await client.get(f"/invite/{campaign}/status")).json()
        theirs = await admin.get(f"/invite/{campaign}/status", params={"owner": owner})
        assert theirs.status_code == 200
        assert theirs.json()["counts"] == mine["counts"]
        assert_problem(await admin.get(f"/invite/{campaign}/status"), 404, "not-found")

    async def test_they_change_nothing(self, client: Client, admin: Client, owner: str, app: Any) -> None:
        campaign = await client.campaign()
        before = (await client.get(f"/invite/{campaign}")).json()
        ids = {
            "campaign_id": campaign,
            "audience_id": campaign,
            "account_id": "a1",
            "check_id": campaign,
            "identifier": "@anna",
        }
        for path, method in routes(app):
            if method != "GET":
                for query in ({}, {"owner": owner}):
                    answer = await admin.request(method, path.format(**ids), params=query)
                    assert_problem(answer, 403, "no-role")
        assert (await client.get(f"/invite/{campaign}")).json() == before

    async def test_who_is_a_user_too_writes_their_own_only(self, app: Any, client: Client, owner: str) -> None:
        async with Client(app, make_token(owner, ("admin", "user"))) as both:
            campaign = await both.campaign()
            assert (await client.get(f"/invite/{campaign}")).status_code == 200
        async with Client(app, make_token("another", ("admin", "user"))) as both:
            answer = await both.post(f"/invite/{campaign}/pause", params={"owner": owner})
            assert_problem(answer, 403, "no-role")

    async def test_they_see_who_the_owners_are_page_by_page(self, client: Client, admin: Client, owner: str) -> None:
        for _ in range(2):
            await client.campaign()
        seen: dict[str, Any] = {}
        after = ""
        while after is not None:
            page = (await admin.get("/owners", params={"after": after, "limit": 2})).json()
            assert not seen.keys() & {each["owner"] for each in page["items"]}
            seen |= {each["owner"]: each for each in page["items"]}
            after = page["next"]
        assert (seen[owner]["campaigns"], seen[owner]["live"], seen[owner]["recipients"]) == (2, 2, 6)
        assert_problem(await client.get("/owners"), 403, "no-role")
        assert_problem(await admin.get("/owners", params={"after": "\0"}), 422, "invalid", "after")

    async def test_others_name_nobody_but_themselves(self, client: Client, stranger: Client, owner: str) -> None:
        assert (await client.get("/invite", params={"owner": owner})).status_code == 200
        assert_problem(await stranger.get("/invite", params={"owner": owner}), 403, "no-role")
        assert_problem(await client.get("/invite", params={"owner": "x" * 201}), 422, "invalid", "owner")
