"""Who is at the other end of a unix socket, as the kernel tells it. Light: every command asks before it attaches."""

import socket
import struct

_CREDENTIALS = struct.Struct("3i")


def peer_of(connection: socket.socket) -> tuple[int, int]:
    """Return the process id and the user id of the other end. Source: SO_PEERCRED."""
    pid, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return int(pid), int(uid)
