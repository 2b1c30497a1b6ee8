"""Who asks: an owner with invite-service's own kind of token, a service, or the administrator."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

USER_AUDIENCE = "invite-service"
SERVICE_AUDIENCES = (USER_AUDIENCE, "integration-service", "parsing-service")
SERVICE_ROLE = "service"
USER_ROLES = frozenset({"user", "admin"})

bearer = HTTPBearer(auto_error=False, description="a JWT, or for administration the admin token")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


@dataclass(frozen=True)
class Caller:
    """Somebody who may ask for one owner's accounts."""

    owner: str

    def must_own(self, user_id: str) -> None:
        """HTTPException 403 unless it is that owner."""
        if user_id != self.owner:
            raise HTTPException(HTTPStatus.FORBIDDEN, "the token does not name this user_id")


def caller_from(secret: str) -> Callable[[Bearer], Caller]:
    """Return the dependency that reads the caller from a JWT signed with `secret` (HS256)."""

    def caller(credentials: Bearer) -> Caller:
        claims = _claims(credentials, secret)
        roles = claims.get("roles")
        roles = {str(role) for role in roles} if isinstance(roles, list) else set()
        if SERVICE_ROLE in roles:
            return Caller(_text(claims, "owner"))
        if claims["aud"] != USER_AUDIENCE and USER_AUDIENCE not in claims["aud"]:
            raise _unauthorized("the token is not for this service")
        if not roles & USER_ROLES:
            raise HTTPException(HTTPStatus.FORBIDDEN, "the token has none of the roles user, admin, service")
        return Caller(_text(claims, "sub"))

    return caller


def administrator_from(token: str) -> Callable[[Bearer], None]:
    """Return the dependency that lets nobody pass but who has the admin token."""

    def administrator(credentials: Bearer) -> None:
        if credentials is None or not hmac.compare_digest(credentials.credentials.encode(), token.encode()):
            raise _unauthorized("this needs the admin token")

    return administrator


def _claims(credentials: HTTPAuthorizationCredentials | None, secret: str) -> dict[str, Any]:
    if credentials is None:
        raise _unauthorized("a bearer token is needed")
    try:
        claims: dict[str, Any] = jwt.decode(
            credentials.credentials,
            secret,
            algorithms=["HS256"],
            audience=SERVICE_AUDIENCES,
            options={"require": ["exp", "aud"]},
        )
    except jwt.InvalidTokenError as error:
        raise _unauthorized(f"the token is not valid: {error}") from None
    return claims


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise _unauthorized(f"the token has no {name}")
    return value


def _unauthorized(detail: str) -> HTTPException:
    return HTTPException(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})
