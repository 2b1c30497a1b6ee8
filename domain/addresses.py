"""Whose addresses are whose: the internet's, or those of our own machine and network."""

import ipaddress
from urllib.parse import urlsplit

_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv6 addresses that stand for IPv4 ones (NAT64)."""
_NEVER_PUBLIC = (".localhost", ".local", ".internal", ".svc", ".home.arpa", ".test")
"""Ends of names that nobody in the internet can have: those of machines, clusters and tests."""
_BY_TLS = frozenset({"require", "verify-ca", "verify-full"})
"""Values of `sslmode` with which PostgreSQL's client does not fall back to a plain connection."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet's: not of this machine, a network's own, or a special one."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False  # with a zone (`fe80::1%eth0`), say
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _TRANSLATED:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)))
        other = ip.ipv4_mapped or ip.sixtofour
        if other is not None:
            return is_public(str(other))
        if ip.teredo is not None or ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not ip.is_unspecified


def is_inside(host: str) -> bool:
    """Whether a host given by its address is none of the internet's; False for a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return not is_public(host)


def goes_in_the_clear(url: str) -> bool:
    """Whether what is asked there may pass networks that are not ours, and without TLS.

    A name of one word is one of our own network's, as Compose and Kubernetes give them; any other may be anybody's.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    one_word = "." not in host and ":" not in host
    ours = one_word or is_inside(host) or host.endswith(_NEVER_PUBLIC)
    if parts.scheme.startswith("postgresql"):
        return not ours and not any(f"sslmode={mode}" in parts.query.split("&") for mode in _BY_TLS)
    return not ours and parts.scheme != "https"
