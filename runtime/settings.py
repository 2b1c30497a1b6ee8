"""Deployment: addresses, roles, times. Read from the environment (INVITE_…) where a process starts, nowhere else."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.account import LeaseTimes
from domain.audience import FileLimits
from domain.durations import duration

Duration = Annotated[timedelta, BeforeValidator(lambda text: text if isinstance(text, timedelta) else duration(text))]
"""Written as `500ms`, `10s`, `5m`."""

_LIMITS_FILE = Path(__file__).parent.parent / "limits.toml"

_DSN = re.compile(r"https?://[^@/\s]+@[^@/\s]+/\S+")


class _Common(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="INVITE_", frozen=True)

    database_url: SecretStr = Field(description="postgresql+psycopg://…, as role invite_api or invite_worker")
    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "default"
    temporal_task_queue: str = "invite"
    database_pool: int = Field(20, ge=2, description="connections at most")
    integration_url: str = Field(description="integration-service's base address")
    integration_timeout: Duration = Field(
        timedelta(seconds=5), description="for each answer of integration-service and of parsing-service"
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

    @field_validator("sentry_dsn")
    @classmethod
    def _is_a_dsn(cls, dsn: SecretStr | None) -> SecretStr | None:
        if dsn is not None and not _DSN.fullmatch(dsn.get_secret_value()):
            raise ValueError("this is no DSN of Sentry: https://KEY@HOST/PROJECT")
        return dsn

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
    max_upload_bytes: int = Field(64 * 1024 * 1024, description="of an uploaded file")
    body_timeout: Duration = Field(timedelta(seconds=30), description="a request's body may pause so long at most")
    requests_per_owner: int = Field(1_200, ge=0, description="that one owner may make in a minute; 0: any number")
    requests_per_address: int = Field(2_400, ge=0, description="that one address may make in a minute; 0: any number")
    events_every: Duration = Field(timedelta(seconds=1), description="a campaign that is listened to is read so often")
    streams_per_owner: int = Field(20, ge=1, description="of events, that one owner may have open in this process")
    trusted_proxies: str = Field("", description="addresses whose X-Forwarded-For is believed, with commas between")
    cors_origins: list[str] = Field([], description='whose pages may call: ["https://app.example.com"]')
    strict_transport: bool = Field(False, description="tells browsers to come by TLS only (HSTS)")
    max_inline: int = Field(
        1_000, ge=1, description="recipients within the request for a campaign; more come as an audience"
    )
    tests_per_hour: int = Field(20, ge=0, description="test messages that one owner may send in an hour")
    admin_check_wait: Duration = timedelta(seconds=20)
    temporal_timeout: Duration = Field(timedelta(seconds=3), description="a command does not wait longer for it")

    @model_validator(mode="after")
    def _key_fits(self) -> "ApiSettings":
        if self.jwt_algorithm == "HS256":
            if self.jwt_secret is None or len(self.jwt_secret.get_secret_value()) < 32:
                raise ValueError("INVITE_JWT_SECRET must be set, with at least 32 characters, for HS256")
        elif bool(self.jwt_public_key) == bool(self.jwt_jwks_url):
            raise ValueError(f"INVITE_JWT_PUBLIC_KEY or INVITE_JWT_JWKS_URL must be set for {self.jwt_algorithm}")
        return self


class WorkerSettings(_Common):
    """What a worker needs."""

    parsing_url: str = Field(description="parsing-service's base address")
    vault_url: str
    vault_role_id: str = Field(min_length=1, description="of the AppRole invite-worker (deploy/vault/)")
    vault_secret_id: SecretStr | None = Field(None, min_length=1, description="of that AppRole; or")
    vault_secret_id_file: Path | None = Field(None, description="the file that holds it, read anew at each log-in")
    vault_mount: str = "secret"
    vault_timeout: Duration = timedelta(seconds=5)
    remember: Duration = Field(
        timedelta(minutes=5), description="how long credentials and the list of accounts serve while Vault is not asked"
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
