"""Vault (KV v2): the accounts' credentials, read when an account is opened, kept nowhere here."""

import asyncio
from datetime import timedelta

import hvac
import requests
from hvac.exceptions import Forbidden, InvalidPath, VaultError

from domain.account import Credentials
from domain.errors import NotFound, Unavailable


class VaultCredentials:
    """The `CredentialStore`. The token may read and nothing else."""

    def __init__(self, url: str, token: str, mount: str, timeout: timedelta) -> None:
        self._client = hvac.Client(url=url, token=token, timeout=timeout.total_seconds())
        self._mount = mount

    async def read(self, path: str, version: int) -> Credentials:
        """The secret's fields, as they are now. Raises `Unavailable`, or `NotFound` where there is none."""
        try:
            return await asyncio.to_thread(self._read, path)
        except InvalidPath:
            raise NotFound("secret") from None
        except Forbidden:
            raise Unavailable("Vault", "it does not accept our token for this path") from None
        except (VaultError, requests.RequestException) as error:
            raise Unavailable("Vault", type(error).__name__) from None

    async def ping(self) -> None:
        """Ask whether it is there and unsealed. Raises `Unavailable`."""
        try:
            answer = await asyncio.to_thread(self._client.sys.read_health_status, method="HEAD", standby_ok=True)
        except (VaultError, requests.RequestException) as error:
            raise Unavailable("Vault", type(error).__name__) from None
        if answer.status_code != 200:
            raise Unavailable("Vault", f"its health is {answer.status_code}")

    def _read(self, path: str) -> Credentials:
        secret = self._client.secrets.kv.v2.read_secret_version(
            path=path, mount_point=self._mount, raise_on_deleted_version=True
        )
        return {str(name): str(value) for name, value in secret["data"]["data"].items()}
