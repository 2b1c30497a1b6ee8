"""Settings that cannot be meant are refused where a process starts, by name."""

from pathlib import Path
from typing import Any

import pytest

from runtime.settings import WorkerSettings


def worker(**more: Any) -> WorkerSettings:
    return WorkerSettings(
        database_url="postgresql+psycopg://x",
        integration_url="http://x",
        parsing_url="http://x",
        vault_url="http://x",
        vault_role_id="role",
        webhook_key="x" * 32,
        service_jwt_secret="x",
        **more,
    )


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
