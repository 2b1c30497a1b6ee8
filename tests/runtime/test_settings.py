"""Settings that cannot be meant are refused where a process starts, by name."""

from pathlib import Path
from typing import Any

import pytest

from runtime.settings import WorkerSettings


def worker(**more: Any) -> WorkerSettings:
    return WorkerSettings(
        **{
            "database_url": "postgresql+psycopg://x",
            "integration_url": "http://x",
            "parsing_url": "http://x",
            "vault_url": "http://x",
            "vault_role_id": "role",
            "webhook_key": "x" * 32,
            "service_jwt_secret": "x",
            **more,
        }
    )


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
