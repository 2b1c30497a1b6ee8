"""integration-service over HTTP: the contract that invite-service relies on, and administration."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Path, Query, Response

from devstack.integration_service import auth, problems
from devstack.integration_service.schemas import Account, Check, Id, Platform, Registration, Report
from devstack.integration_service.store import OwnedByAnother, Store

DESCRIPTION = """
Stands in for the real integration-service: it knows which messenger accounts an owner has connected.

**Tokens** (HS256): an owner's JWT as invite-service takes it (`aud` = `invite-service`, `sub` = owner,
`roles` with `user` or `admin`), or a service's (`roles` = `["service"]`, `owner`). `PUT /accounts/{id}` and
`GET /reports` take the admin token.
"""


def build(store: Store, jwt_secret: str, admin_token: str) -> FastAPI:
    """Return the application over a store."""
    app = FastAPI(title="integration-service (devstack)", version="1.0.0", description=DESCRIPTION)
    problems.install(app)
    _add_health(app)
    _add_contract(app, store, auth.caller_from(jwt_secret))
    _add_administration(app, store, auth.administrator_from(admin_token))
    return app


def _add_health(app: FastAPI) -> None:
    @app.get("/livez", tags=["health"], summary="Is it up?")
    async def livez() -> dict[str, str]:
        return {"status": "ok"}


def _add_contract(app: FastAPI, store: Store, caller_of: Callable[..., auth.Caller]) -> None:
    caller = Depends(caller_of)

    @app.get(
        "/accounts",
        tags=["contract"],
        summary="An owner's accounts on a platform",
        response_model=list[Account],
        response_model_exclude_none=True,
        responses=problems.answers(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY),
    )
    async def accounts(
        user_id: Annotated[Id, Query(description="the owner", examples=["demo-owner"])],
        platform: Annotated[Platform, Query()],
        caller: auth.Caller = caller,
    ) -> list[Account]:
        caller.must_own(user_id)
        return [Account(**one.model_dump(exclude={"user_id"})) for one in store.accounts(user_id, platform)]

    @app.post(
        "/accounts/check",
        tags=["contract"],
        summary="Report that an account does not work",
        status_code=HTTPStatus.NO_CONTENT,
        responses=problems.answers(
            HTTPStatus.UNAUTHORIZED,
            HTTPStatus.FORBIDDEN,
            HTTPStatus.NOT_FOUND,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
    )
    async def check(check: Check, caller: auth.Caller = caller) -> Response:
        caller.must_own(check.user_id)
        if not store.check(check):
            raise HTTPException(HTTPStatus.NOT_FOUND, f"{check.user_id} has no account {check.account_id}")
        return Response(status_code=HTTPStatus.NO_CONTENT)


def _add_administration(app: FastAPI, store: Store, administrator: Callable[..., None]) -> None:
    only_admin = [Depends(administrator)]

    @app.put(
        "/accounts/{id}",
        tags=["administration"],
        summary="Register an account, or replace it",
        status_code=HTTPStatus.NO_CONTENT,
        dependencies=only_admin,
        responses=problems.answers(HTTPStatus.UNAUTHORIZED, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
    )
    async def put(account_id: Annotated[Id, Path(alias="id")], account: Registration) -> Response:
        if account.id != account_id:
            raise HTTPException(HTTPStatus.CONFLICT, "the ids in path and body differ")
        try:
            store.put(account)
        except OwnedByAnother:
            raise HTTPException(HTTPStatus.CONFLICT, "the id belongs to another owner's account") from None
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @app.get(
        "/reports",
        tags=["administration"],
        summary="All reports, the oldest first",
        dependencies=only_admin,
        responses=problems.answers(HTTPStatus.UNAUTHORIZED),
    )
    async def reports() -> list[Report]:
        return store.reports()
