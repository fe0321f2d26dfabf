"""Joining two hosts that cannot reach each other: a socket on one, a socket on the other, our connections between.

The data of a relayed migration goes this way. No port is opened between the hosts, and it is encrypted all along.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from novacron.adapters.libvirt.access import HostAccess
from novacron.adapters.libvirt.tunnel import abort_writer, pump, take_end
from novacron.model.errors import NovaCronError

SOCKET_FOLDER = "/var/lib/libvirt/qemu"
"""Where QEMU may make sockets, whatever confines it."""
_OWNER = SOCKET_FOLDER
"""Belongs to whom QEMU runs as: it has to connect to a socket that sshd, as another user, has made."""
_DEADLINE_S = 10.0
_REMOVE_LEFT_OVER = """\
for path in "$1"/novacron-*.mem "$1"/novacron-*.nbd; do
    [ -S "$path" ] || continue
    while read -r _ _ _ _ _ _ _ bound; do
        [ "$bound" = "$path" ] && continue 2
    done </proc/net/unix
    rm -f -- "$path"
done
"""
"""A socket to which nothing is bound, on either host, is nobody's any more: not this backend's, nor another one's."""


def new_paths() -> tuple[str, str]:
    """Return paths of sockets that are nobody's yet: for memory, and for disks."""
    mark = uuid.uuid4().hex[:12]
    return f"{SOCKET_FOLDER}/novacron-{mark}.mem", f"{SOCKET_FOLDER}/novacron-{mark}.nbd"


async def remove_left_over(access: HostAccess, folder: str = SOCKET_FOLDER) -> None:
    """Remove the sockets that migrations of a killed backend have left on a host.

    Who may not look into the folder has made none there.
    """
    with suppress(NovaCronError):  # the next connection tries again
        await access.run(("sh", "-c", _REMOVE_LEFT_OVER, "sh", folder), deadline_s=_DEADLINE_S)


@asynccontextmanager
async def relay(source: HostAccess, destination: HostAccess, paths: tuple[str, ...]) -> AsyncIterator[None]:
    """Carry every connection to one of `paths` on the source to the same path on the destination.

    The paths are the same on both sides because libvirt gives one URI to both. QEMU makes the destination's.
    """
    endings: list[Callable[[], None]] = []
    joins: set[asyncio.Task[Any]] = set()
    try:
        for path in paths:
            endings.append(await source.listen_socket(path, _join_to(destination, path, joins)))
            await source.run(("chown", f"--reference={_OWNER}", "--", path), deadline_s=_DEADLINE_S)
        yield
    finally:
        for end in endings:
            end()
        for task in joins:
            task.cancel()
        for access in (source, destination):
            with suppress(NovaCronError):
                await access.run(("rm", "-f", "--", *paths), deadline_s=_DEADLINE_S)


def _join_to(destination: HostAccess, path: str, joins: set[asyncio.Task[Any]]) -> Any:  # noqa: ANN401 - SocketHandler
    async def join(reader: Any, writer: Any) -> None:  # noqa: ANN401 - asyncio's and asyncssh's streams alike
        task = asyncio.ensure_future(_carry(reader, writer, destination, path))
        joins.add(task)
        task.add_done_callback(joins.discard)
        task.add_done_callback(take_end)

    return join


async def _carry(reader: Any, writer: Any, destination: HostAccess, path: str) -> None:  # noqa: ANN401 - streams
    """Carry both ways until each has ended. What is not sent by then goes out before the connections close."""
    ways: list[asyncio.Future[None]] = []
    writers = [writer]
    try:
        far_reader, far_writer = await destination.open_socket(path)
        writers.append(far_writer)
        ways += map(asyncio.ensure_future, (pump(reader, far_writer), pump(far_reader, writer)))
        await asyncio.gather(*ways)
        for each in writers:
            each.close()
    except BaseException:
        for way in ways:
            way.cancel()
        for each in writers:
            abort_writer(each)
        raise
