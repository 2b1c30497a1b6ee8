"""Who is asking: the bearer token, checked with a fixed algorithm and key (SEC-1)."""

from dataclasses import dataclass, field
from typing import Any

import jwt

from domain.errors import Error
from runtime.settings import ApiSettings

AUDIENCE = "invite-service"
ROLES = frozenset({"user", "admin"})
"""One of these is needed."""

_MAX_TOKEN = 8 * 1024
_MAX_SUBJECT = 200


class Unauthenticated(Error):
    """There is no valid token (HTTP 401)."""


class RoleMissing(Error):
    """The token is valid, and gives no right to this service (HTTP 403)."""


@dataclass(frozen=True)
class Caller:
    """The one who asks. `owner`: whose rows they see. `token`: as it came, for a neighbour to check as well."""

    owner: str
    roles: frozenset[str]
    token: str = field(repr=False)


class Tokens:
    """Checks tokens."""

    def __init__(self, settings: ApiSettings) -> None:
        self._algorithm = settings.jwt_algorithm
        self._key = _key(settings)
        self._issuer = settings.jwt_issuer
        self._leeway = settings.jwt_leeway

    def check(self, token: str) -> Caller:
        """The token's caller. Raises `Unauthenticated`, `RoleMissing`."""
        if len(token) > _MAX_TOKEN:
            raise Unauthenticated("The token is too long.")
        claims = self._claims(token)
        owner, roles = claims["sub"], _roles(claims.get("roles"))
        if not owner or len(owner) > _MAX_SUBJECT or not owner.isprintable():
            raise Unauthenticated("The token names no usable subject.")
        if not roles & ROLES:
            raise RoleMissing("The token's roles give no access to this service.")
        return Caller(owner, roles, token)

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                self._key,
                algorithms=[self._algorithm],
                audience=AUDIENCE,
                issuer=self._issuer,
                leeway=self._leeway,
                options={"require": ["exp", "sub", "aud", *(["iss"] if self._issuer else [])]},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The token has expired.") from None
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise Unauthenticated("The token is not valid.") from None


def _key(settings: ApiSettings) -> str:
    if settings.jwt_algorithm == "HS256":
        return settings.jwt_secret.get_secret_value() if settings.jwt_secret else ""
    return settings.jwt_public_key or ""


def _roles(value: Any) -> frozenset[str]:
    return frozenset(each for each in value if isinstance(each, str)) if isinstance(value, list) else frozenset()
