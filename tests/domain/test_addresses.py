"""Which addresses are the internet's, and what may not go there without TLS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.addresses import goes_in_the_clear, is_public


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_the_internets_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "::1", "::", "localhost", ""),
        *("10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fc00::1", "fec0::1"),
        *("169.254.169.254", "fe80::1", "fe80::1%eth0"),
        *("224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "ff02::1", "192.0.2.1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "2002:a9fe:a9fe::", "2001::1"),
    ],
)
def test_no_other_address_is(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_no_better_written_as_ipv6(address: object) -> None:
    assert is_public(f"::ffff:{address}") == is_public(str(address)) == is_public(f"64:ff9b::{address}")


INSIDE = [
    *("localhost", "integration-service", "vault", "127.0.0.1", "[::1]", "10.1.2.3", "192.168.0.9", "[fd00::1]"),
    *("api.default.svc", "api.default.svc.cluster.local", "db.internal", "Printer.LOCAL.", "service.test"),
]
OUTSIDE = ["example.com", "integration.example.com", "8.8.8.8", "[2606:4700::1111]", "api.default", "local.example"]


@pytest.mark.parametrize("host", INSIDE)
def test_our_own_network_may_be_spoken_to_plainly(host: str) -> None:
    for url in (f"http://{host}", f"http://anna:x@{host}:8080/path?a=b", f"//{host}:7233"):
        assert not goes_in_the_clear(url)
    assert not goes_in_the_clear(f"postgresql+psycopg://invite_api:x@{host}:5432/invite")


@pytest.mark.parametrize("host", OUTSIDE)
def test_what_is_beyond_it_may_not(host: str) -> None:
    for url in (f"http://{host}", f"http://anna:x@{host}:8080/path?a=b", f"//{host}:7233"):
        assert goes_in_the_clear(url)
    assert not goes_in_the_clear(f"https://{host}:8443/path")
    database = f"postgresql+psycopg://invite_api:x@{host}:5432/invite"
    for plain in ("", "?sslmode=prefer", "?sslmode=disable&application_name=sslmode=require", "?sslrootcert=ca.pem"):
        assert goes_in_the_clear(database + plain)
    for secured in ("?sslmode=require", "?sslmode=verify-full&sslrootcert=/tls/ca.pem", "?a=b&sslmode=verify-ca"):
        assert not goes_in_the_clear(database + secured)


def test_a_socket_on_this_machine_is_no_network() -> None:
    assert not goes_in_the_clear("postgresql+psycopg:///invite?host=/var/run/postgresql")
    assert not goes_in_the_clear("")
