"""Settings that cannot be meant are refused where a process starts, by name."""

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from runtime.settings import ApiSettings, WorkerSettings, faults
from tests.runtime.authority import Authority
from worker import main

GIVEN = {
    "database_url": "postgresql+psycopg://x",
    "integration_url": "http://x",
    "parsing_url": "http://x",
    "vault_url": "http://x",
    "vault_role_id": "role",
    "webhook_key": "x" * 32,
    "service_jwt_secret": "x",
}


def worker(**more: Any) -> WorkerSettings:
    return WorkerSettings(**GIVEN | more)


def wrong(**more: Any) -> str:
    """The one line in which a worker says what is wrong."""
    with pytest.raises(ValidationError) as caught:
        worker(vault_secret_id="x", **more)
    [line] = faults(caught.value)
    return line


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://invite_api:pass@db:pass:5/invite",
        "postgresql://invite_api:pass@db/invite",
        "invite_api:pass@db/invite",
    ],
)
def test_an_address_of_no_database_is_refused_unseen(url: str) -> None:
    with pytest.raises(ValueError, match="no address of a database") as refused:
        worker(vault_secret_id="x", database_url=url)
    assert "pass" not in str(refused.value)


class TestTraces:
    def test_go_where_either_variable_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, address in (
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all"),
            ("INVITE_TRACES_ENDPOINT", "https://ours"),
        ):
            monkeypatch.setenv(name, address)
            assert worker(vault_secret_id="x").traces_endpoint == address

    def test_go_nowhere_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
        assert worker(vault_secret_id="x").traces_endpoint is None
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")
        with pytest.raises(ValueError, match="traces_endpoint"):
            worker(vault_secret_id="x")


class TestSecretId:
    def test_of_the_environment(self) -> None:
        settings = worker(vault_secret_id="from-the-environment")
        assert settings.read_vault_secret_id() == "from-the-environment"
        assert "from-the-environment" not in repr(settings)

    def test_of_a_file_as_it_is_now(self, tmp_path: Path) -> None:
        file = tmp_path / "secret_id"
        settings = worker(vault_secret_id_file=file)
        with pytest.raises(OSError, match="No such file"):
            settings.read_vault_secret_id()
        for written in ("first", "second"):
            file.write_text(f"{written}\n")
            assert settings.read_vault_secret_id() == written

    @pytest.mark.parametrize("given", [{}, {"vault_secret_id": "x", "vault_secret_id_file": "x"}])
    def test_is_in_one_of_them(self, given: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="INVITE_VAULT_SECRET_ID"):
            worker(**given)


class TestTls:
    @pytest.mark.parametrize("name", ["neighbour_ca", "temporal_ca", "vault_ca"])
    def test_an_authority_that_cannot_be_read(self, name: str, tmp_path: Path) -> None:
        nothing, rubbish = tmp_path / "nothing.pem", tmp_path / "rubbish.pem"
        rubbish.write_text("rubbish")
        setting = f"INVITE_{name.upper()}: "
        assert wrong(**{name: nothing}) == f"{setting}{nothing}: No such file or directory"
        assert wrong(**{name: rubbish}).startswith(f"{setting}{rubbish}: this is not PEM")

    @pytest.mark.parametrize("name", ["neighbour", "temporal"])
    def test_a_certificate_and_its_key(self, name: str, tmp_path: Path) -> None:
        authority = Authority(tmp_path)
        us, others = authority.files("us"), authority.files("others")
        both = f"INVITE_{name.upper()}_CERTIFICATE and INVITE_{name.upper()}_KEY"

        def given(certificate: Path | None, key: Path | None) -> dict[str, Path | None]:
            return {f"{name}_certificate": certificate, f"{name}_key": key}

        worker(vault_secret_id="x", **given(us.certificate, us.key))
        assert wrong(**given(us.certificate, None)) == f"{both} must be set together"
        assert wrong(**given(None, us.key)) == f"{both} must be set together"
        assert wrong(**given(us.certificate, others.key)).endswith("the key is not that of the certificate")
        assert wrong(**given(us.certificate, tmp_path / "none")).endswith("none: No such file or directory")
        assert wrong(**given(us.key, us.certificate)).startswith(both)

    def test_a_key_with_a_password_is_not_asked_about(self, tmp_path: Path) -> None:
        locked = Authority(tmp_path).files("locked", password=b"x")
        given = {"neighbour_certificate": locked.certificate, "neighbour_key": locked.key}
        assert "its key has a password" in wrong(**given)

    def test_temporal_is_spoken_to_by_it_where_anything_says_so(self, tmp_path: Path) -> None:
        files = Authority(tmp_path).files("us")
        assert worker(vault_secret_id="x").temporal_secured is None
        assert worker(vault_secret_id="x", temporal_tls=True).temporal_secured is not None
        found = worker(
            vault_secret_id="x", temporal_ca=files.ca, temporal_certificate=files.certificate, temporal_key=files.key
        ).temporal_secured
        assert found is not None
        assert files.key is not None
        assert found.client_private_key == files.key.read_bytes()


class TestPlainAddresses:
    @pytest.mark.parametrize("name", ["integration_url", "parsing_url", "vault_url"])
    def test_beyond_our_own_network_they_are_refused(self, name: str) -> None:
        url = "http://anna:hunter2@integration.example.com"
        said = wrong(**{name: url})
        assert said.startswith(f"INVITE_{name.upper()} leads beyond our own network without TLS")
        assert "hunter2" not in said
        assert getattr(worker(vault_secret_id="x", insecure_neighbours=True, **{name: url}), name) == url
        worker(vault_secret_id="x", **{name: "https://integration.example.com"})

    def test_so_are_the_issuers_keys(self) -> None:
        given = {name: GIVEN[name] for name in ("database_url", "integration_url", "webhook_key")}
        issuer = {"jwt_algorithm": "RS256", "jwt_jwks_url": "http://issuer.example.com/keys"}
        with pytest.raises(ValidationError, match="INVITE_JWT_JWKS_URL leads beyond"):
            ApiSettings(**given, **issuer)

    def test_and_the_database_and_temporal(self) -> None:
        url = "postgresql+psycopg://invite_worker:hunter2@db.example.com/invite"
        assert wrong(database_url=url).endswith("use sslmode=verify-full, or set INVITE_INSECURE_NEIGHBOURS")
        worker(vault_secret_id="x", database_url=url + "?sslmode=verify-full")
        assert "use INVITE_TEMPORAL_TLS" in wrong(temporal_address="temporal.example.com:7233")
        worker(vault_secret_id="x", temporal_address="temporal.example.com:7233", temporal_tls=True)


class TestHooks:
    def test_secrets_are_long_and_not_shown(self) -> None:
        given = {name: GIVEN[name] for name in ("database_url", "integration_url", "webhook_key")} | {
            "jwt_secret": "x" * 32
        }
        assert ApiSettings(**given).hook_secrets == ()
        found = ApiSettings(**given, hook_secret="n" * 32, hook_secret_before="o" * 32)
        assert found.hook_secrets == ("n" * 32, "o" * 32)
        assert "n" * 32 not in repr(found)
        for bad in ({"hook_secret": "short"}, {"hook_window": "0s"}, {"hook_window": "2h"}):
            [name] = bad
            with pytest.raises(ValidationError) as caught:
                ApiSettings(**given, **bad)
            assert [line.partition(":")[0] for line in faults(caught.value)] == [f"INVITE_{name.upper()}"]


def test_a_worker_ends_with_2_and_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("INVITE_")]:
        monkeypatch.delenv(name)
    for name, value in (GIVEN | {"vault_secret_id": "x", "parsing_url": ""}).items():
        monkeypatch.setenv(f"INVITE_{name.upper()}", value)
    monkeypatch.setenv("INVITE_NEIGHBOUR_CA", str(tmp_path / "ca.pem"))
    assert main() == 2
    assert capsys.readouterr().err.splitlines() == [
        f"worker: INVITE_NEIGHBOUR_CA: {tmp_path}/ca.pem: No such file or directory",
        "worker: INVITE_PARSING_URL: Field required",
    ], "one that is empty is one that is not set"
