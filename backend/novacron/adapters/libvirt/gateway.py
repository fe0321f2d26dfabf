"""Connecting to libvirt hosts."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from novacron.adapters.libvirt.access import HostAccess
from novacron.adapters.libvirt.binding import load_libvirt
from novacron.adapters.libvirt.capabilities import read_capabilities
from novacron.adapters.libvirt.channel import Channel
from novacron.adapters.libvirt.facts import version_text
from novacron.adapters.libvirt.hypervisor import LibvirtHypervisor
from novacron.adapters.libvirt.local_access import LocalAccess, UriAccess
from novacron.adapters.libvirt.relay import remove_left_over
from novacron.model.capability import Capabilities
from novacron.model.errors import DeadlineExceeded, LinkError
from novacron.model.host import HostSpec
from novacron.model.link import LinkStatus
from novacron.ports.clock import Clock

_log = logging.getLogger("novacron.libvirt")
OLDEST_LIBVIRT = 7_000_000
"""7.0.0, packed as libvirt does: what Debian 11 has. Older ones lack parts of the bulk statistics and of migration's
figures."""


class LibvirtGateway:
    """ports.hypervisor.HypervisorGateway for ssh hosts and libvirt URIs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._beside: set[asyncio.Task[None]] = set()
        """What goes on beside the first reading, and may hang with the host's disk."""

    async def connect(self, spec: HostSpec, *, deadline_s: float) -> LibvirtHypervisor:
        """Connect, check the version, and hand over the hypervisor."""
        load_libvirt()
        began_s = self._clock.monotonic()
        _log.debug("connecting", extra={"host": spec.id})
        access: HostAccess | None = None
        try:
            async with asyncio.timeout(deadline_s):
                access = await _open_access(spec, deadline_s)
                channel = await access.open_channel(deadline_s=deadline_s)
                try:
                    await _refuse_old(spec, channel, deadline_s)
                    capabilities = await _ask_capabilities(access, channel, deadline_s)
                except BaseException:
                    channel.abort()
                    raise
                if access.has_shell:
                    self._go_on_beside(remove_left_over(access))
                took_s = round(self._clock.monotonic() - began_s, 2)
                lacks = [str(one.capability) for one in capabilities.missing]
                _log.info("connected", extra={"host": spec.id, "took_s": took_s, "lacks": lacks})
                return LibvirtHypervisor(spec, access, channel, self._clock, capabilities=capabilities)
        except BaseException as error:
            if access is not None:
                access.abort()
            _log.debug("not connected", extra={"host": spec.id, "error": repr(error)})
            if isinstance(error, TimeoutError | DeadlineExceeded):
                raise _too_late(spec, access, deadline_s) from error
            raise

    def _go_on_beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)


def _too_late(spec: HostSpec, access: HostAccess | None, deadline_s: float) -> LinkError:
    """Tell a machine that is not there from a libvirt that hangs on one that is."""
    if access is not None and access.has_shell:
        return LinkError(
            spec.id,
            f"the host is there, but its libvirt did not answer within {deadline_s:g} s",
            "restart it there: systemctl restart libvirtd; its VMs go on meanwhile",
            status=LinkStatus.STALE,
        )
    return LinkError(spec.id, f"it did not answer within {deadline_s:g} s", "is it up, and is the network between?")


async def _open_access(spec: HostSpec, deadline_s: float) -> HostAccess:
    if spec.ssh:
        # Late: asyncssh takes a quarter of a second to import, and a local host needs none of it.
        from novacron.adapters.libvirt.ssh_access import SshAccess

        return await SshAccess.open(spec, deadline_s=deadline_s)
    if spec.uri in ("qemu:///system", "qemu:///session"):
        return LocalAccess(spec)
    return UriAccess(spec)


async def _refuse_old(spec: HostSpec, channel: Channel, deadline_s: float) -> None:
    version = await channel.call(
        "asking its version", lambda connection: int(connection.getLibVersion()), deadline_s=deadline_s
    )
    if version < OLDEST_LIBVIRT:
        raise LinkError(
            spec.id,
            f"its libvirt is {version_text(version)}; {version_text(OLDEST_LIBVIRT)} is the oldest we know",
            "update libvirt there",
            status=LinkStatus.WRONG_VERSION,
        )


async def _ask_capabilities(access: HostAccess, channel: Channel, deadline_s: float) -> Capabilities:
    has_shell = access.has_shell
    return await channel.call(
        "asking what it can do",
        lambda connection: read_capabilities(connection, has_shell=has_shell),
        deadline_s=deadline_s,
    )
