"""Where pip finds packages, said in uv's words: uv does not read pip's configuration.

`python devstack/pip_settings.py` prints lines for a shell to evaluate. Runs before anything is installed:
standard library only.
"""

import ast
import os
import shlex
import subprocess
import sys

UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}


def translated(listing: str, environment: dict[str, str]) -> dict[str, str]:
    """Return uv's settings for a `pip config list`; what the environment already says to uv stays."""
    found: dict[str, str] = {}
    for line in listing.splitlines():
        key, _, value = line.partition("=")
        name = UV_NAMES.get(key.rpartition(".")[2])
        if name is not None and name not in environment:
            found[name] = _words(ast.literal_eval(value), comma=name == "UV_FIND_LINKS")
    if "UV_INDEX" in found:
        # uv would stop at the first index that has a name; hashes make it safe to look at all.
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return found


def _words(value: str, *, comma: bool) -> str:
    return ("," if comma else " ").join(value.split())


def main() -> None:
    """Print `export NAME=value` lines; nothing when pip has no settings or cannot say."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    for name, value in translated(listing.stdout, dict(os.environ)).items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
