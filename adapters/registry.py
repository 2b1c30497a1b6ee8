"""The one place that knows the platforms by name. A new one: its folder, its limits' section, a line here.

The API imports this: a platform's client library is loaded only when its adapter is made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType

from adapters.dry_run import DryRunAdapter
from adapters.telegram import platform as telegram
from domain.errors import Invalid
from domain.platform import DRY_RUN, Capabilities
from domain.ports import Adapter, Throttle


@dataclass(frozen=True)
class AdapterOptions:
    """What a process may set for its adapters.

    `deadline`: for every single request to a platform. `disconnect_after`: when the platform drops a connection of
    which it has not heard since it was made. `pace`: how often a client application may ask something. `public_only`:
    nobody's credentials lead to a server in our own network.
    """

    deadline: timedelta = timedelta(seconds=20)
    link_preview: bool = True
    disconnect_after: timedelta = timedelta(seconds=6)
    pace: Throttle | None = None
    public_only: bool = False


@dataclass(frozen=True)
class Platform:
    """What the core knows of a platform.

    `destination` and `post` give the one spelling of what the owner typed, or raise `Invalid`; `post` is None where
    nothing can be forwarded.
    """

    capabilities: Capabilities
    destination: Callable[[str], str]
    adapter: Callable[[AdapterOptions], Adapter]
    post: Callable[[str], str] | None = None


def _telegram(options: AdapterOptions) -> Adapter:
    from adapters.telegram.adapter import TelegramAdapter

    return TelegramAdapter(
        deadline=options.deadline,
        link_preview=options.link_preview,
        disconnect_after=options.disconnect_after,
        pace=options.pace,
        public_only=options.public_only,
    )


PLATFORMS: Mapping[str, Platform] = MappingProxyType(
    {
        "telegram": Platform(telegram.CAPABILITIES, telegram.destination, _telegram, telegram.post),
    }
)
"""What owners may choose."""

_DRY_RUN_CAPABILITIES = replace(telegram.CAPABILITIES, connects=False)


def platform(name: str) -> Platform:
    """The platform of this name. Raises `Invalid` that lists the known ones."""
    if name not in PLATFORMS:
        raise Invalid("platform", f"Unknown platform. Known: {', '.join(sorted(PLATFORMS))}.")
    return PLATFORMS[name]


def adapters(options: AdapterOptions | None = None) -> Mapping[str, Adapter]:
    """Every adapter, for the worker: the platforms' and the dry run's."""
    options = options or AdapterOptions()
    made = {name: each.adapter(options) for name, each in PLATFORMS.items()}
    return MappingProxyType({**made, DRY_RUN: DryRunAdapter(_DRY_RUN_CAPABILITIES)})
