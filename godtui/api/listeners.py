"""Listening sockets: a TCP port, and a Unix socket for those who share the data directory."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

BACKLOG = 2048
_MAX_SOCKET_PATH_BYTES = 103
"""What every Unix takes: macOS holds 104 with the terminator, Linux 108."""


class ApiBindError(Exception):
    """The address cannot be listened on; the message says which, why, and what to do."""


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket. Raises ApiBindError."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ApiBindError(f"{host} is no address of this machine ({error.strerror}); set --host to one") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise ApiBindError(f"cannot listen on {host} port {port} ({why}); choose another with --port") from None
    listener.setblocking(False)
    return listener


def bind_locally(path: Path) -> socket.socket:
    """A listening Unix socket that only its owner may open; a dead one in its place is removed. Raises ApiBindError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        listener.bind(str(path))
        path.chmod(0o600)  # before listening: nobody connects in between
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ApiBindError(f"cannot listen on {path} ({error.strerror}); is the data directory writable?") from None
    except ApiBindError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _clear(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ApiBindError(f"{path} is in the way of the API's socket; move it elsewhere")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except BlockingIOError:
            pass
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise ApiBindError(f"another process listens on {path}; stop it, or use another --data-dir")


def socket_fault(path: Path) -> str | None:
    """Why no Unix socket can be at a path, or None where one can."""
    if not hasattr(socket, "AF_UNIX"):
        return "this platform has no Unix sockets"
    size = len(os.fsencode(path))
    if size > _MAX_SOCKET_PATH_BYTES:
        return f"{path} is {size} bytes long; a Unix socket's path has at most {_MAX_SOCKET_PATH_BYTES}"
    return None


def inode(path: Path) -> int:
    """Which file is at a path now."""
    return path.lstat().st_ino


def remove(path: Path, own: int | None) -> None:
    """Remove a socket, unless another has taken its place."""
    try:
        if inode(path) == own:
            path.unlink()
    except FileNotFoundError:
        pass
