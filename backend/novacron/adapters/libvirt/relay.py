"""Joining two hosts that cannot reach each other: a socket on one, a socket on the other, our connections between.

The data of a relayed migration goes this way. No port is opened between the hosts, and it is encrypted all along.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from novacron.adapters.libvirt.access import HostAccess
from novacron.adapters.libvirt.tunnel import pump, take_end
from novacron.model.errors import NovaCronError

_OWNER = "/var/lib/libvirt/qemu"
"""Belongs to whom QEMU runs as: it has to connect to a socket that sshd, as another user, has made."""
_DEADLINE_S = 10.0


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
        try:
            far_reader, far_writer = await destination.open_socket(path)
        except (OSError, NovaCronError):
            writer.close()
            return
        for one, other in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.ensure_future(pump(one, other))
            joins.add(task)
            task.add_done_callback(joins.discard)
            task.add_done_callback(take_end)

    return join
