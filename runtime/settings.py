"""Deployment: addresses, roles, times. Read from the environment (INVITE_…) where a process starts, nowhere else."""

import os
import re
import ssl
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError
from temporalio.service import TLSConfig

from domain.account import LeaseTimes
from domain.addresses import goes_in_the_clear
from domain.audience import FileLimits
from domain.durations import duration
from runtime.tls import TlsFiles

Duration = Annotated[timedelta, BeforeValidator(lambda text: text if isinstance(text, timedelta) else duration(text))]
"""Written as `500ms`, `10s`, `5m`."""


def _vouches(file: Path) -> Path:
    TlsFiles(ca=file).context()
    return file


CaFile = Annotated[Path, AfterValidator(_vouches)]
"""Certificates (PEM) of those who vouch for the other side; there, and readable."""

_PREFIX = "INVITE_"
_LIMITS_FILE = Path(__file__).parent.parent / "limits.toml"

_URLS = ("integration_url", "parsing_url", "vault_url", "jwt_jwks_url")
_REMEDIES = {"DATABASE_URL": "sslmode=verify-full", "TEMPORAL_ADDRESS": f"{_PREFIX}TEMPORAL_TLS"}

_DSN = re.compile(r"https?://[^@/\s]+@[^@/\s]+/\S+")


class _Common(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, frozen=True, hide_input_in_errors=True)

    database_url: SecretStr = Field(description="postgresql+psycopg://…, as role invite_api or invite_worker")
    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "default"
    temporal_task_queue: str = "invite"
    temporal_tls: bool = Field(False, description="Temporal is spoken to by TLS; files of its own say so too")
    temporal_ca: CaFile | None = Field(None, description="who vouches for Temporal (PEM); none: the machine's CAs")
    temporal_certificate: Path | None = Field(None, description="that we show to Temporal (PEM), for mTLS")
    temporal_key: Path | None = Field(None, description="of that certificate (PEM), without a password")
    database_pool: int = Field(20, ge=2, description="connections at most")
    integration_url: str = Field(description="integration-service's base address")
    integration_timeout: Duration = Field(
        timedelta(seconds=5), description="for each answer of integration-service and of parsing-service"
    )
    neighbour_ca: CaFile | None = Field(
        None, description="who vouches for integration-service and parsing-service (PEM), and nobody else does"
    )
    neighbour_certificate: Path | None = Field(
        None, description="that we show to integration-service and parsing-service (PEM), for mTLS"
    )
    neighbour_key: Path | None = Field(None, description="of that certificate (PEM), without a password")
    insecure_neighbours: bool = Field(
        False, description="what stands around us may be spoken to without TLS beyond our own network"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    sentry_dsn: SecretStr | None = Field(None, description="whom errors are told to: Sentry's; none: nobody")
    traces_endpoint: str | None = Field(
        default_factory=lambda: os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
        pattern=r"^https?://",
        validate_default=True,
        description="a collector's base address, for traces; OTEL_EXPORTER_OTLP_ENDPOINT does as well",
    )
    traces_share: float = Field(1.0, ge=0, le=1, description="of requests and actions, whose traces are told")
    debug_file: Path | None = Field(
        None, description="ids of campaigns, one a line, that are logged at DEBUG; read again when it is changed"
    )
    limits_file: Path = Field(_LIMITS_FILE, description="the policy numbers")
    webhook_key: SecretStr = Field(
        min_length=32, description="what owners' webhook secrets are made of: the same everywhere"
    )
    webhook_inside: bool = Field(
        False, description="webhooks may go to our own network, and without TLS: for development"
    )
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="answers GET /metrics, /livez and /readyz there; none: nowhere"
    )
    max_rows: int = Field(FileLimits.rows, ge=1, le=2**31 - 2, description="of an audience")
    max_columns: int = Field(FileLimits.columns, ge=1, le=10_000, description="of an audience")
    max_cell: int = Field(FileLimits.cell, ge=1, le=1_000_000, description="characters in a cell of an audience")
    max_unpacked_bytes: int = Field(FileLimits.unpacked, ge=1, description="that an uploaded workbook may become")

    @field_validator("database_url")
    @classmethod
    def _is_of_a_database(cls, url: SecretStr) -> SecretStr:
        """Else the process ends with a trace that shows a part of it."""
        try:
            known = make_url(url.get_secret_value()).drivername == "postgresql+psycopg"
        except (ArgumentError, ValueError):
            known = False
        if not known:
            raise ValueError("this is no address of a database: postgresql+psycopg://ROLE:PASSWORD@HOST/DATABASE")
        return url

    @field_validator("sentry_dsn")
    @classmethod
    def _is_a_dsn(cls, dsn: SecretStr | None) -> SecretStr | None:
        if dsn is not None and not _DSN.fullmatch(dsn.get_secret_value()):
            raise ValueError("this is no DSN of Sentry: https://KEY@HOST/PROJECT")
        return dsn

    @model_validator(mode="after")
    def _certificates_fit(self) -> Self:
        for name in ("neighbour", "temporal"):
            certificate, key = getattr(self, f"{name}_certificate"), getattr(self, f"{name}_key")
            both = f"{_PREFIX}{name.upper()}_CERTIFICATE and {_PREFIX}{name.upper()}_KEY"
            if (certificate is None) != (key is None):
                raise ValueError(f"{both} must be set together")
            try:
                TlsFiles(certificate=certificate, key=key).show(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
            except ValueError as error:
                raise ValueError(f"{both}: {error}") from None
        return self

    @model_validator(mode="after")
    def _by_tls(self) -> Self:
        if self.insecure_neighbours:
            return self
        temporal = "" if self.temporal_secured else f"//{self.temporal_address}"
        asked = {"TEMPORAL_ADDRESS": temporal, "DATABASE_URL": self.database_url.get_secret_value()}
        asked |= {name.upper(): getattr(self, name, None) or "" for name in _URLS}
        for name, url in asked.items():
            if goes_in_the_clear(url):
                remedy = _REMEDIES.get(name, "https://")
                raise ValueError(
                    f"{_PREFIX}{name} leads beyond our own network without TLS: use {remedy}, "
                    f"or set {_PREFIX}INSECURE_NEIGHBOURS"
                )
        return self

    @property
    def neighbour_tls(self) -> TlsFiles:
        """How integration-service and parsing-service are spoken to by TLS."""
        return TlsFiles(self.neighbour_ca, self.neighbour_certificate, self.neighbour_key)

    @property
    def temporal_secured(self) -> TLSConfig | None:
        """How Temporal is spoken to by TLS; None: without."""
        files = TlsFiles(self.temporal_ca, self.temporal_certificate, self.temporal_key)
        return files.of_temporal() if self.temporal_tls or files != TlsFiles() else None

    @property
    def file_limits(self) -> FileLimits:
        """How much a list of people may hold."""
        return FileLimits(self.max_rows, self.max_columns, self.max_cell, self.max_unpacked_bytes)


class ApiSettings(_Common):
    """What the API needs."""

    api_host: str = "127.0.0.1"
    api_port: int = 8000
    jwt_algorithm: Literal["HS256", "RS256", "ES256"] = "HS256"
    jwt_secret: SecretStr | None = Field(None, description="for HS256")
    jwt_public_key: str | None = Field(None, description="PEM, for RS256 and ES256")
    jwt_jwks_url: str | None = Field(
        None, pattern="^https?://", description="where the issuer publishes its keys, for RS256 and ES256"
    )
    jwt_jwks_keep: Duration = Field(timedelta(minutes=10), description="published keys are read again after that")
    jwt_jwks_pause: Duration = Field(
        timedelta(seconds=30), description="at least so long between two readings, whatever keys tokens name"
    )
    jwt_issuer: str | None = Field(None, description="required `iss`; none: any")
    jwt_leeway: Duration = timedelta(seconds=10)
    hook_secret: SecretStr | None = Field(
        None, min_length=32, description="what integration-service signs its hooks with; none: no hooks are taken"
    )
    hook_secret_before: SecretStr | None = Field(
        None, min_length=32, description="the one before, which is taken too: while integration-service changes over"
    )
    hook_window: Duration = Field(
        timedelta(minutes=5),
        gt=timedelta(0),
        le=timedelta(hours=1),
        description="a hook may have been signed so long ago, or ahead",
    )
    max_upload_bytes: int = Field(64 * 1024 * 1024, description="of an uploaded file")
    body_timeout: Duration = Field(timedelta(seconds=30), description="a request's body may pause so long at most")
    requests_per_owner: int = Field(1_200, ge=0, description="that one owner may make in a minute; 0: any number")
    requests_per_address: int = Field(2_400, ge=0, description="that one address may make in a minute; 0: any number")
    requests_at_once: int = Field(
        8, ge=1, description="of one owner, that this process works on at once; further ones wait"
    )
    events_every: Duration = Field(timedelta(seconds=1), description="a campaign that is listened to is read so often")
    streams_per_owner: int = Field(20, ge=1, description="of events, that one owner may have open in this process")
    trusted_proxies: str = Field(
        "", description="addresses or networks whose X-Forwarded-For is believed, with commas between"
    )
    cors_origins: list[str] = Field([], description='whose pages may call: ["https://app.example.com"]')
    strict_transport: bool = Field(False, description="tells browsers to come by TLS only (HSTS)")
    drain: Duration = Field(
        timedelta(0), description="at SIGTERM /readyz says no for so long, before new connections are refused"
    )
    max_inline: int = Field(
        1_000, ge=1, description="recipients within the request for a campaign; more come as an audience"
    )
    tests_per_hour: int = Field(20, ge=0, description="test messages that one owner may send in an hour")
    admin_check_wait: Duration = timedelta(seconds=20)
    temporal_timeout: Duration = Field(timedelta(seconds=3), description="a command does not wait longer for it")

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, proxies: str) -> str:
        """Never `*`: everybody could then choose the address that is counted and kept."""
        for each in filter(None, map(str.strip, proxies.split(","))):
            ip_network(each)
        return proxies

    @model_validator(mode="after")
    def _key_fits(self) -> "ApiSettings":
        if self.jwt_algorithm == "HS256":
            if self.jwt_secret is None or len(self.jwt_secret.get_secret_value()) < 32:
                raise ValueError("INVITE_JWT_SECRET must be set, with at least 32 characters, for HS256")
        elif bool(self.jwt_public_key) == bool(self.jwt_jwks_url):
            raise ValueError(f"INVITE_JWT_PUBLIC_KEY or INVITE_JWT_JWKS_URL must be set for {self.jwt_algorithm}")
        return self

    @property
    def hook_secrets(self) -> tuple[str, ...]:
        """What hooks may be signed with; none: they are not taken."""
        both = (self.hook_secret, self.hook_secret_before)
        return tuple(each.get_secret_value() for each in both if each is not None)


class WorkerSettings(_Common):
    """What a worker needs."""

    parsing_url: str = Field(description="parsing-service's base address")
    vault_url: str
    vault_role_id: str = Field(min_length=1, description="of the AppRole invite-worker (deploy/vault/)")
    vault_secret_id: SecretStr | None = Field(None, min_length=1, description="of that AppRole; or")
    vault_secret_id_file: Path | None = Field(None, description="the file that holds it, read anew at each log-in")
    vault_ca: CaFile | None = Field(None, description="who vouches for Vault (PEM); none: VAULT_CACERT, the machine's")
    vault_mount: str = "secret"
    vault_timeout: Duration = timedelta(seconds=5)
    remember: Duration = Field(
        timedelta(minutes=5),
        description="how long credentials, until their lease ends, and the list of accounts serve unasked",
    )
    service_jwt_secret: SecretStr = Field(
        description="signs our 60 s tokens for integration-service and parsing-service"
    )
    lease_length: Duration = LeaseTimes.length
    lease_renew_every: Duration = LeaseTimes.renew_every
    lease_disconnect_after: Duration = LeaseTimes.disconnect_after
    lease_closing_margin: Duration = LeaseTimes.closing_margin
    request_deadline: Duration = Field(timedelta(seconds=20), description="of one platform request")
    webhook_timeout: Duration = Field(timedelta(seconds=10), description="an owner's server is not waited for longer")
    link_preview: bool = Field(True, description="whether messages show a preview of the links in them")
    sessions_inside: bool = Field(
        False, description="accounts' sessions may name a server in our own network: for development"
    )
    time_box: Duration = Field(timedelta(seconds=5), description="how long one activity takes turns")
    idle_close: Duration = Field(timedelta(minutes=5), description="an account that rests longer is closed")
    max_clients: int = Field(1000, ge=1, description="accounts with a connection of their own at once, in this process")
    graceful_shutdown: Duration = Field(timedelta(seconds=20), description="for activities at SIGTERM")
    max_activities: int = 200
    retention_days: int = Field(
        90, ge=7, description="after its end a campaign's people are removed, and audiences that nobody used since"
    )
    audit_days: int = Field(730, ge=30, description="rows of the audit trail are removed after that")
    deployment_name: str = Field("invite-service", pattern=r"^[^.]+$", description="for worker versioning")
    build_id: str | None = Field(
        None, min_length=1, description="this version's name: worker versioning is on (docs/rolling-deploys.md)"
    )
    temporal_metrics: str | None = Field(
        None, pattern=r"^[^:]+:\d+$", description="host:port where Temporal's own metrics are answered; none: nowhere"
    )
    poll_waiting: Duration = Field(timedelta(minutes=1), description="reading the accounts, while a campaign waits")
    poll_running: Duration = Field(timedelta(minutes=5), description="the same while it runs")

    @property
    def retention(self) -> timedelta:
        """How long people are kept."""
        return timedelta(days=self.retention_days)

    @property
    def audit_retention(self) -> timedelta:
        """How long it is known who did what."""
        return timedelta(days=self.audit_days)

    @model_validator(mode="after")
    def _one_secret_id(self) -> "WorkerSettings":
        if (self.vault_secret_id is None) == (self.vault_secret_id_file is None):
            raise ValueError("one of INVITE_VAULT_SECRET_ID and INVITE_VAULT_SECRET_ID_FILE must be set")
        return self

    def read_vault_secret_id(self) -> str:
        """The secret_id as it is now. Raises `OSError` where its file cannot be read."""
        if self.vault_secret_id is not None:
            return self.vault_secret_id.get_secret_value()
        return Path(str(self.vault_secret_id_file)).read_text().strip()

    @model_validator(mode="after")
    def _lease_is_safe(self) -> "WorkerSettings":
        _ = self.lease
        return self

    @property
    def lease(self) -> LeaseTimes:
        """The lease's times. Raises `ValueError` when they would let two clients live."""
        return LeaseTimes(
            length=self.lease_length,
            renew_every=self.lease_renew_every,
            disconnect_after=self.lease_disconnect_after,
            closing_margin=self.lease_closing_margin,
        )


def faults(error: ValidationError) -> list[str]:
    """What is wrong with the settings, one line each, without their values."""
    lines = []
    for each in error.errors(include_input=False, include_context=False, include_url=False):
        name = f"{_PREFIX}{'_'.join(map(str, each['loc'])).upper()}: " if each["loc"] else ""
        lines.append(name + each["msg"].removeprefix("Value error, "))
    return lines
