"""An issuer of tokens that publishes its keys."""

import json
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from api.keys import PublishedKeys

URL = "https://issuer.test/jwks.json"


def pem(key: Any) -> str:
    """The public half."""
    public = key.public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def published(kid: str, key: Any, **more: Any) -> dict[str, Any]:
    """The public half, as a JWK."""
    name = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
    document: dict[str, Any] = jwt.get_algorithm_by_name(name).to_jwk(key.public_key(), as_dict=True)  # type: ignore[call-overload]
    return document | {"kid": kid, "alg": name, "use": "sig"} | more


class PublishingIssuer:
    """Answers its keys; `reads` counts how often. `away`: it does not answer; `answer`: it says this instead."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.listed = list(keys)
        self.reads = 0
        self.away = False
        self.answer: str | None = None
        self.now = 0.0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url) == URL
        self.reads += 1
        if self.away:
            raise httpx.ConnectError("away")
        return httpx.Response(200, text=self.answer or json.dumps({"keys": self.listed}))

    def keys(self, algorithm: str = "RS256") -> PublishedKeys:
        """Read from here: kept for 600 s, and 30 s between two readings."""
        client = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return PublishedKeys(URL, algorithm, client, keep=600, pause=30, monotonic=lambda: self.now)
