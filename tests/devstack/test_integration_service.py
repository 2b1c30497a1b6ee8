"""integration-service's contract, over HTTP against the process that the devstack starts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from devstack.integration_client import IntegrationServer
from devstack.state import temporary_state
from devstack.tokens import HOUR, Issuer

SECRET = "a secret of at least thirty-two characters"
ADMIN = "admin-token"
OWNER, STRANGER = "owner-1", "owner-2"
MADE_AT = "2024-05-01T00:00:00Z"
ISSUER = Issuer(SECRET)
EXPIRED = timedelta(minutes=-5)


@pytest.fixture(scope="module")
def server() -> Iterator[IntegrationServer]:
    with temporary_state() as state:
        server = IntegrationServer(
            state.logs / "integration.log",
            state_file=state.folder / "integration.json",
            jwt_secret=SECRET,
            admin_token=ADMIN,
        )
        server.start()
        yield server
        server.stop()


@pytest.fixture
def http(server: IntegrationServer) -> Iterator[httpx.Client]:
    for owner, account in ((OWNER, "tg-1"), (STRANGER, "tg-2")):
        server.admin.register(account_of(owner, account))
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        yield http


def account_of(owner: str, account: str, **more: Any) -> dict[str, Any]:
    return {
        "id": account,
        "user_id": owner,
        "label": "Anna",
        "platform": "telegram",
        "created_at": MADE_AT,
        "vault_path": f"owners/{owner}/telegram/{account}",
        **more,
    }


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def custom(claims: dict[str, Any], secret: str = SECRET) -> str:
    exp = datetime.now(UTC) + timedelta(minutes=5)
    return jwt.encode({"exp": exp, **claims}, secret, "HS256")


def accounts(http: httpx.Client, token: str | None, owner: str = OWNER) -> httpx.Response:
    query = {"user_id": owner, "platform": "telegram"}
    return http.get("/accounts", params=query, headers=bearer(token) if token else {})


def check(http: httpx.Client, token: str, **more: Any) -> httpx.Response:
    report = {"user_id": OWNER, "account_id": "tg-1", "reason": "banned", "at": MADE_AT, **more}
    return http.post("/accounts/check", json=report, headers=bearer(token))


@pytest.mark.parametrize(
    ("token", "status"),
    [
        pytest.param(ISSUER.token(OWNER), 200, id="the owner"),
        pytest.param(ISSUER.token(OWNER, ["admin"]), 200, id="the owner, an admin"),
        pytest.param(ISSUER.service_token(OWNER, HOUR), 200, id="a service for the owner"),
        pytest.param(None, 401, id="no token"),
        pytest.param("nonsense", 401, id="no JWT"),
        pytest.param(Issuer("another secret of thirty-two characters").token(OWNER), 401, id="wrong signature"),
        pytest.param(jwt.encode({"sub": OWNER}, "", "none"), 401, id="unsigned"),
        pytest.param(ISSUER.token(OWNER, ttl=EXPIRED), 401, id="expired"),
        pytest.param(ISSUER.service_token(OWNER, EXPIRED), 401, id="expired service"),
        pytest.param(custom({"sub": OWNER, "roles": ["user"], "aud": "other"}), 401, id="wrong audience"),
        pytest.param(
            custom({"sub": OWNER, "roles": ["user"], "aud": "integration-service"}),
            401,
            id="a service's audience",
        ),
        pytest.param(custom({"sub": OWNER, "roles": ["user"]}), 401, id="no audience"),
        pytest.param(
            jwt.encode({"sub": OWNER, "roles": ["user"], "aud": "invite-service"}, SECRET, "HS256"),
            401,
            id="no exp",
        ),
        pytest.param(custom({"sub": OWNER, "roles": ["service"], "aud": "invite-service"}), 401, id="no owner"),
        pytest.param(ISSUER.token(OWNER, []), 403, id="no role"),
        pytest.param(ISSUER.token(STRANGER), 403, id="another owner"),
        pytest.param(ISSUER.token(STRANGER, ["admin"]), 403, id="another owner, an admin"),
        pytest.param(ISSUER.service_token(STRANGER, HOUR), 403, id="a service for another owner"),
        pytest.param(ADMIN, 401, id="the admin token"),
    ],
)
def test_who_may_ask(http: httpx.Client, token: str | None, status: int) -> None:
    answer = accounts(http, token)
    assert answer.status_code == status
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
        assert answer.json()["type"] in ("/problems/unauthorized", "/problems/forbidden")


def test_an_owners_accounts(http: httpx.Client) -> None:
    assert accounts(http, ISSUER.token(OWNER)).json() == [
        {
            "id": "tg-1",
            "label": "Anna",
            "platform": "telegram",
            "status": "active",
            "created_at": MADE_AT,
            "credentials_version": 1,
            "vault_path": f"owners/{OWNER}/telegram/tg-1",
        }
    ]
    other = http.get(
        "/accounts", params={"user_id": OWNER, "platform": "instagram"}, headers=bearer(ISSUER.token(OWNER))
    )
    assert other.json() == []


def test_a_proxy_is_passed_on(http: httpx.Client, server: IntegrationServer) -> None:
    proxy = {"type": "socks5", "host": "10.0.0.7", "port": "1080"}
    server.admin.register(account_of("owner-3", "tg-3", proxy=proxy))
    assert accounts(http, ISSUER.token("owner-3"), "owner-3").json()[0]["proxy"] == proxy


@pytest.mark.parametrize(
    ("reason", "status"),
    [("banned", "banned"), ("signed_out", "inactive"), ("frozen", "inactive"), ("a feeling", "active")],
)
def test_a_report_marks_the_account(http: httpx.Client, server: IntegrationServer, reason: str, status: str) -> None:
    answer = check(http, ISSUER.service_token(OWNER), reason=reason)
    assert (answer.status_code, answer.content) == (204, b"")
    assert accounts(http, ISSUER.token(OWNER)).json()[0]["status"] == status
    last = server.admin.reports()[-1]
    assert (last["user_id"], last["account_id"], last["reason"]) == (OWNER, "tg-1", reason)


def test_a_report_on_anothers_account(http: httpx.Client) -> None:
    assert check(http, ISSUER.service_token(STRANGER)).status_code == 403
    assert check(http, ISSUER.service_token(OWNER), account_id="tg-2").status_code == 404
    assert accounts(http, ISSUER.token(STRANGER), STRANGER).json()[0]["status"] == "active"


@pytest.mark.parametrize(
    "bad",
    [
        {"account_id": ""},
        {"account_id": "a/b"},
        {"reason": "x" * 501},
        {"at": "yesterday"},
        {"at": "2024-05-01T00:00:00"},
        {"more": 1},
    ],
)
def test_a_bad_report_names_the_field(http: httpx.Client, bad: dict[str, Any]) -> None:
    answer = check(http, ISSUER.service_token(OWNER), **bad)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == f"body.{next(iter(bad))}"


def test_only_the_administrator_registers(http: httpx.Client) -> None:
    account = account_of(OWNER, "tg-9")
    for headers in ({}, bearer(ISSUER.token(OWNER, ["admin"])), bearer("guess")):
        assert http.put("/accounts/tg-9", json=account, headers=headers).status_code == 401
        assert http.get("/reports", headers=headers).status_code == 401


def test_an_id_stays_with_its_owner(http: httpx.Client) -> None:
    answer = http.put("/accounts/tg-2", json=account_of(OWNER, "tg-2"), headers=bearer(ADMIN))
    assert answer.status_code == 409
    answer = http.put("/accounts/tg-7", json=account_of(OWNER, "tg-8"), headers=bearer(ADMIN))
    assert answer.status_code == 409


def test_a_restart_forgets_nothing(http: httpx.Client, server: IntegrationServer) -> None:
    check(http, ISSUER.service_token(OWNER))
    reports = server.admin.reports()
    server.kill()
    server.start()
    assert server.admin.reports() == reports
    with httpx.Client(base_url=server.url, trust_env=False) as again:
        assert accounts(again, ISSUER.token(OWNER)).json()[0]["status"] == "banned"


def test_its_page_describes_the_contract(http: httpx.Client) -> None:
    assert http.get("/docs").status_code == 200
    paths = http.get("/openapi.json").json()["paths"]
    assert {"/accounts", "/accounts/check", "/accounts/{id}", "/reports"} <= paths.keys()
    assert "403" in paths["/accounts"]["get"]["responses"]
