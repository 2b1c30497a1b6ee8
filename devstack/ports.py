"""TCP ports on 127.0.0.1: finding free ones, and telling who listens on one."""

import functools
import os
import socket
from pathlib import Path

HOST = "127.0.0.1"
_LISTENING = "0A"
_ADDRESS, _STATE, _INODE = 1, 3, 9  # columns of /proc/net/tcp


def free_ports(count: int) -> tuple[int, ...]:
    """Return `count` different ports that nobody listens on at this moment.

    Somebody may take one before its server binds it; servers are then started again on another.
    """
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind((HOST, 0))
        return tuple(one.getsockname()[1] for one in sockets)
    finally:
        for one in sockets:
            one.close()


def is_free(port: int) -> bool:
    """Whether a server could bind the port now."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, port))
        except OSError:
            return False
    return True


def listens(pid: int, port: int) -> bool:
    """Whether the process itself listens on 127.0.0.1:port; True where the system does not tell.

    An answer alone proves nothing: another checkout's server may have taken the port that ours was
    to bind, and would answer our health check just as well.
    """
    return _owns_listener(pid, port) if _system_tells() else True


@functools.cache
def _system_tells() -> bool:
    with socket.socket() as one:
        one.bind((HOST, 0))
        one.listen()
        return _owns_listener(os.getpid(), one.getsockname()[1])


def _owns_listener(pid: int, port: int) -> bool:
    inodes = _listening_inodes(port)
    return bool(inodes) and not inodes.isdisjoint(_open_sockets(pid))


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in map(str.split, rows):
            if row[_STATE] == _LISTENING and int(row[_ADDRESS].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{row[_INODE]}]")
    return found


def _open_sockets(pid: int) -> set[str]:
    found: set[str] = set()
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return found
    for descriptor in descriptors:
        try:
            found.add(str(descriptor.readlink()))
        except OSError:  # closed since
            continue
    return found
