"""What a process counts for operators, in Prometheus's format. Served where a port is set, off otherwise."""

from prometheus_client import CollectorRegistry, Gauge, start_http_server


class Metrics:
    """One process's metrics, each an attribute made here: whoever raises one is given what it needs of it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._limits_file_broken = Gauge(
            "invite_limits_file_broken",
            "1 while the limits file cannot be meant and the last good one stays in force",
            registry=self.registry,
        )

    def limits_file(self, broken: bool) -> None:
        """Whether the limits file is wrong now."""
        self._limits_file_broken.set(broken)

    def serve(self, host: str, port: int | None) -> None:
        """Answer `GET /metrics` from a thread of its own. None: not at all. Raises `OSError` when the port is taken."""
        if port is not None:
            start_http_server(port, host, registry=self.registry)
