"""TLS for real, on loopback: a neighbour that demands our certificate, renewed certificates, whom we refuse."""

import asyncio
import shutil
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from temporalio.testing import WorkflowEnvironment

from domain.errors import Unavailable
from runtime.probes import Probes
from runtime.temporal import CONVERTER, connect
from runtime.tls import TlsFiles, neighbours_client
from storage.neighbours import IntegrationService
from storage.vault import Vault
from tests.runtime.authority import Authority, Handler, demanding, served, shown

TIMEOUT = timedelta(seconds=5)


@dataclass
class Neighbour:
    """integration-service by mTLS: it lists no accounts. `seen`: whose certificates it was shown."""

    port: int = 0
    body: bytes = b"[]"
    seen: list[str] = field(default_factory=list)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.seen.append(shown(writer))
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(self.body)}\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + self.body)
        await writer.drain()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def neighbour(authority: Authority) -> AsyncIterator[Neighbour]:
    found = Neighbour()
    async with served(found.handle, demanding(authority.files("neighbour"))) as found.port:
        yield found


@asynccontextmanager
async def asking(neighbour: Neighbour, files: TlsFiles) -> AsyncIterator[IntegrationService]:
    async with neighbours_client(files, TIMEOUT) as client:
        yield IntegrationService(f"https://127.0.0.1:{neighbour.port}", client)


async def test_a_neighbour_that_demands_our_certificate_gets_it(authority: Authority, neighbour: Neighbour) -> None:
    async with asking(neighbour, authority.files("us")) as service:
        assert await service.accounts("anna", "telegram", "token") == []
        await service.ping()
    assert len(neighbour.seen) == 2


async def test_without_one_it_refuses_us_and_operators_are_told_of_what(
    authority: Authority, neighbour: Neighbour
) -> None:
    async with asking(neighbour, TlsFiles(ca=authority.ca)) as service:
        with pytest.raises(Unavailable, match="INVITE_NEIGHBOUR_CERTIFICATE"):
            await service.accounts("anna", "telegram", "token")
        with capture_logs() as logs:
            await Probes({"integration-service": service.ping}, lambda name, seconds: None).look()
        [line] = logs
        assert (line["event"], line["up"]) == ("dependency", False)
        assert "INVITE_NEIGHBOUR_CERTIFICATE" in line["error"]
    assert neighbour.seen == []


async def test_a_neighbour_for_whom_nobody_vouches_is_told_nothing(
    authority: Authority, neighbour: Neighbour, tmp_path: Path
) -> None:
    others = replace(authority.files("us"), ca=Authority(tmp_path, "another").ca)
    for files in (others, replace(others, ca=None)):
        async with asking(neighbour, files) as service:
            with pytest.raises(Unavailable, match="INVITE_NEIGHBOUR_CA vouches"):
                await service.accounts("anna", "telegram", "token")
    assert neighbour.seen == []


async def test_a_renewed_certificate_is_shown_without_a_restart(authority: Authority, neighbour: Neighbour) -> None:
    files = authority.files("us")
    async with asking(neighbour, files) as service:
        await service.ping()
        authority.files("us")
        await service.ping()
        first, second = neighbour.seen
        assert first != second
        # Half of a renewal: the certificate is new, and the key is not.
        assert files.certificate is not None
        newer = authority.files("newer")
        assert newer.certificate is not None
        assert newer.key is not None
        shutil.copy(newer.certificate, files.certificate)
        with capture_logs() as logs:
            await service.ping()
            await service.ping()
        assert [line["event"] for line in logs] == ["certificate_not_renewed"]
        assert neighbour.seen[2:] == [second, second], "the old one serves meanwhile"
        assert files.key is not None
        shutil.copy(newer.key, files.key)
        await service.ping()
        assert neighbour.seen[-1] not in (first, second)


async def test_another_authority_is_believed_without_a_restart(authority: Authority, tmp_path: Path) -> None:
    files, later = authority.files("us"), Authority(tmp_path, "later")
    found = Neighbour()
    # It believes the old authority, and shows a certificate of the new one.
    context = demanding(replace(later.files("neighbour"), ca=authority.ca))
    async with served(found.handle, context) as found.port, asking(found, files) as service:
        with pytest.raises(Unavailable):
            await service.ping()
        authority.ca.write_bytes(authority.ca.read_bytes() + later.ca.read_bytes())
        await service.ping()
    assert len(found.seen) == 1


async def test_vault_is_checked_by_its_own_authority(authority: Authority, tmp_path: Path) -> None:
    sealed = Neighbour(body=b'{"sealed": false, "initialized": true}')
    context = demanding(authority.files("vault"))
    context.verify_mode = ssl.CERT_NONE
    async with served(sealed.handle, context) as sealed.port:
        url = f"https://127.0.0.1:{sealed.port}"
        await Vault(url, TIMEOUT, authority.ca).ping()
        for ca in (None, Authority(tmp_path, "another").ca):
            with pytest.raises(Unavailable, match="SSLError"):
                await Vault(url, TIMEOUT, ca).ping()


async def test_temporal_is_spoken_to_by_mtls(authority: Authority, tmp_path: Path) -> None:
    """Through a proxy that ends TLS: the test server has none of its own."""
    server = await WorkflowEnvironment.start_time_skipping(
        data_converter=CONVERTER, test_server_existing_path=str(Path(sys.executable).parent / "temporal-test-server")
    )
    async with server as env:
        context = demanding(authority.files("temporal"))
        context.set_alpn_protocols(["h2"])
        host, port = env.client.service_client.config.target_host.split(":")
        async with served(_passed_on(host, int(port)), context) as secured:
            address = f"127.0.0.1:{secured}"
            client = await connect(address, "default", authority.files("us").of_temporal())
            assert await client.service_client.check_health()
            strangers = replace(authority.files("us"), ca=Authority(tmp_path, "another").ca)
            for files, said in ((TlsFiles(ca=authority.ca), "Temporal"), (strangers, "UnknownIssuer")):
                with pytest.raises(Unavailable, match=said):
                    await connect(address, "default", files.of_temporal())


def _passed_on(host: str, port: int) -> Handler:
    """What comes is passed on to a server behind, and back."""

    async def pour(source: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
        while block := await source.read(65_536):
            into.write(block)
            await into.drain()
        into.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, to_behind = await asyncio.open_connection(host, port)
        await asyncio.gather(pour(reader, to_behind), pour(behind, writer))

    return handle
