"""Which worker holds accounts: each of them is one connection to the data centre."""

from collections.abc import Sequence
from pathlib import Path

from devstack.programs import Worker

_REMOTE, _STATE, _INODE = 2, 3, 9  # columns of /proc/net/tcp
_ESTABLISHED = "01"


def busiest(workers: Sequence[Worker], port: int) -> tuple[Worker, int]:
    """The worker that holds most accounts, and how many; where the system does not tell, the first one and 1."""
    inodes = _connected_to(port)
    if inodes is None:
        return workers[0], 1
    held = {worker.name: len(inodes & _sockets(worker.pid)) for worker in workers}
    most = max(workers, key=lambda worker: held[worker.name])
    return most, held[most.name]


def _connected_to(port: int) -> set[str] | None:
    try:
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    except OSError:
        return None
    return {
        f"socket:[{row[_INODE]}]"
        for row in rows
        if row[_STATE] == _ESTABLISHED and int(row[_REMOTE].rpartition(":")[2], 16) == port
    }


def _sockets(pid: int) -> set[str]:
    found: set[str] = set()
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:  # it has ended
        return found
    for descriptor in descriptors:
        try:
            found.add(str(descriptor.readlink()))
        except OSError:  # closed since
            continue
    return found
