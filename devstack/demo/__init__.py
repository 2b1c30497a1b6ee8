"""`./run demo`: a campaign run for real on fresh data, and compared with what the platform saw."""

from devstack.demo.command import main

__all__ = ["main"]
