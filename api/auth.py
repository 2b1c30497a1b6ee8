"""Who is asking: the bearer token, checked with a fixed algorithm and key (SEC-1)."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import jwt

from api.keys import FixedKey, KeySource, UnknownKey
from domain.audit import Act, By, Event
from domain.errors import Error
from runtime.settings import ApiSettings

AUDIENCE = "invite-service"
USER, ADMIN, SERVICE = "user", "admin", "service"
ROLES = frozenset({USER, ADMIN})
"""One of these is needed for what belongs to owners. `SERVICE` gives none of it."""

_MAX_TOKEN = 8 * 1024
_MAX_SUBJECT = 200


class Unauthenticated(Error):
    """There is no valid token (HTTP 401)."""


class RoleMissing(Error):
    """The token is valid, and gives no right to this (HTTP 403)."""


@dataclass(frozen=True)
class Caller:
    """The one who asks. `owner`: whose rows they see. `token`: as it came, for a neighbour to check as well.

    `expires`: until when the token is good, in seconds since 1970. `by`: who it is, whosever rows are meant.
    """

    owner: str
    roles: frozenset[str]
    token: str = field(repr=False)
    expires: float
    by: By

    def acting(self, reads: bool, owner: str | None) -> "Caller":
        """As the one whose rows are meant: administrators read everybody's, and write nobody's. `owner`: who is named.

        Raises `RoleMissing`.
        """
        if not reads and USER not in self.roles:
            raise RoleMissing("Administrators read only.")
        if owner is None or owner == self.owner:
            return self
        if ADMIN not in self.roles:
            raise RoleMissing("Only administrators may read what belongs to another owner.")
        if not reads:
            raise RoleMissing("Administrators change nothing that belongs to another owner.")
        return replace(self, owner=owner)

    def act(self, event: Event, at: datetime, **details: object) -> Act:
        """What they are about to do, for the audit trail."""
        return Act(event, self.by, at, details=details)


class Tokens:
    """Checks tokens."""

    def __init__(self, settings: ApiSettings, keys: KeySource | None = None) -> None:
        """`keys`: the issuer's published ones; none: the key in the settings."""
        self._algorithm = settings.jwt_algorithm
        self._keys = keys or FixedKey(_key(settings))
        self._issuer = settings.jwt_issuer
        self._leeway = settings.jwt_leeway

    async def check(self, token: str) -> Caller:
        """The token's caller. Raises `Unauthenticated`, `RoleMissing`, `Unavailable` (the issuer's keys)."""
        claims = await self._claims(token)
        owner, roles = claims["sub"], _roles(claims.get("roles"))
        if not roles & ROLES:
            raise RoleMissing("The token's roles give no access to this service.")
        return Caller(owner, roles, token, _moment(claims["exp"]), By(owner, tuple(sorted(roles & ROLES))))

    async def check_service(self, token: str) -> By:
        """The service beside ours whose token this is. Raises as `check` does."""
        claims = await self._claims(token)
        if SERVICE not in _roles(claims.get("roles")):
            raise RoleMissing("This is for the services beside ours: the token must have the role `service`.")
        return By(claims["sub"], (SERVICE,))

    async def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > _MAX_TOKEN:
            raise Unauthenticated("The token is too long.")
        claims = await self._decoded(token)
        if not is_owner(claims["sub"]):
            raise Unauthenticated("The token names no usable subject.")
        return claims

    async def _decoded(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != self._algorithm:  # before a key is looked for: that may cost a request
                raise jwt.InvalidAlgorithmError
            return jwt.decode(
                token,
                await self._keys.key(header.get("kid")),
                algorithms=[self._algorithm],
                audience=AUDIENCE,
                issuer=self._issuer,
                leeway=self._leeway,
                options={
                    "require": ["exp", "sub", "aud", *(["iss"] if self._issuer else [])],
                    "enforce_minimum_key_length": True,
                },
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The token has expired.") from None
        except (jwt.PyJWTError, UnknownKey, ValueError, RecursionError):
            raise Unauthenticated("The token is not valid.") from None


def is_owner(name: str) -> bool:
    """Whether an owner can be called so."""
    return 0 < len(name) <= _MAX_SUBJECT and name.isprintable()


def _moment(exp: Any) -> float:
    """The expiry as a number: PyJWT takes any that `int` does, and lets whole numbers be as long as they like."""
    try:
        return float(exp)
    except OverflowError:
        raise Unauthenticated("The token is not valid.") from None


def _key(settings: ApiSettings) -> str:
    if settings.jwt_algorithm == "HS256":
        return settings.jwt_secret.get_secret_value() if settings.jwt_secret else ""
    return settings.jwt_public_key or ""


def _roles(value: Any) -> frozenset[str]:
    return frozenset(each for each in value if isinstance(each, str)) if isinstance(value, list) else frozenset()
