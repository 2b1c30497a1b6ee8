"""Tokens: what is let in, and every way of forging one that is not (SEC-1)."""

import base64
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from api.app import create_app
from api.dependencies import Services
from runtime.settings import ApiSettings
from tests.api.conftest import SECRET, Client, assert_problem, make_token

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


async def test_every_route_but_health_wants_a_token(nobody: Client, app: Any) -> None:
    for path, method in routes(app):
        answer = await nobody.request(method, path.replace("{", "").replace("}", ""))
        if path in ("/livez", "/readyz"):
            assert answer.status_code == 200
        else:
            assert_problem(answer, 401, "unauthenticated")


def routes(app: Any) -> list[tuple[str, str]]:
    return [(path, method.upper()) for path, operations in app.openapi()["paths"].items() for method in operations]


RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def pem(key: Any) -> str:
    public = key.public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(("algorithm", "key"), [("RS256", RSA_KEY), ("ES256", EC_KEY)])
async def test_with_a_public_key(app: Any, settings: ApiSettings, owner: str, algorithm: str, key: Any) -> None:
    services: Services = app.state.services
    other = ApiSettings(
        database_url=settings.database_url,
        integration_url=settings.integration_url,
        jwt_algorithm=algorithm,  # type: ignore[arg-type]
        jwt_public_key=pem(key),
        jwt_issuer="gateway",
    )
    async with Client(create_app(other, services), None) as client:

        async def ask(token: str) -> httpx.Response:
            return await client.get("/invite", headers={"Authorization": f"Bearer {token}"})

        assert (await ask(make_token(owner, key=key, algorithm=algorithm, iss="gateway"))).status_code == 200
        forged = hs256_signed_with(pem(key), owner)
        for bad in (
            make_token(owner, key=key, algorithm=algorithm),  # no issuer
            make_token(owner, key=key, algorithm=algorithm, iss="other"),
            make_token(owner, key=SECRET, iss="gateway"),
            forged,
            unsigned(owner),
        ):
            assert_problem(await ask(bad), 401, "unauthenticated")


def hs256_signed_with(public_key: str, owner: str) -> str:
    """PyJWT refuses to make such a token; a forger would not."""
    header_and_claims = unsigned(owner, "HS256").rstrip(".")
    signature = jwt.get_algorithm_by_name("HS256").sign(header_and_claims.encode(), public_key.encode())
    return f"{header_and_claims}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
