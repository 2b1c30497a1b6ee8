"""Where accounts' credentials are in Vault: `owners/{owner}/{platform}/{account}`, below the mount."""

import re

ROOT = "owners"
_PLAIN = re.compile(rb"[a-z0-9._@|-]")


def owner_part(owner: str) -> str:
    """The owner as a part of the path, and as the name of whoever may read below it.

    Every byte but `a-z 0-9 . _ @ | -` is written `=hh`. Vault takes `Anna` and `anna` for one entity, and an owner
    called `+` would read everybody's secrets: such names must never reach its policies as they are.
    """
    escaped = "".join(chr(byte) if _PLAIN.match(bytes([byte])) else f"={byte:02x}" for byte in owner.encode())
    return escaped if escaped.strip(".") else escaped.replace(".", "=2e")


def belongs_to(owner: str, path: str) -> bool:
    """Whether the path leads to a secret of this owner, whatever follows its dots and slashes."""
    root, _, below = path.partition("/")
    part, _, secret = below.partition("/")
    inside = (root, part) == (ROOT, owner_part(owner))
    return inside and not any(step in ("", ".", "..") for step in secret.split("/"))
