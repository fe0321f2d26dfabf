"""What a host says of itself."""

from dataclasses import replace
from typing import Any

from novacron.adapters.libvirt import xml
from novacron.adapters.libvirt.access import HostAccess
from novacron.adapters.libvirt.binding import load_libvirt
from novacron.adapters.libvirt.channel import Channel
from novacron.adapters.libvirt.host_role import HostRole
from novacron.model.capability import Capabilities
from novacron.model.host import HostFacts, HostSpec
from novacron.ports.clock import Clock


class FactsReader(HostRole):
    """Reads what a host says of itself, and keeps it between inventories."""

    def __init__(
        self, spec: HostSpec, access: HostAccess, channel: Channel, clock: Clock, capabilities: Capabilities
    ) -> None:
        super().__init__(spec, access, channel, clock)
        self._capabilities = capabilities
        self._kernel = ""
        self._last: HostFacts | None = None

    async def read(self, *, anew: bool, deadline_s: float) -> HostFacts:
        """Return it, from the host with `anew` or when it was never read."""
        if self._last is None or anew:
            if not self._kernel and self.access.has_shell:
                done = await self.access.run(("uname", "-r"), deadline_s=deadline_s)
                self._kernel = done.stdout.decode(errors="replace").strip()
            kernel = self._kernel
            facts = await self.query(
                "asking what it is", lambda connection: read_facts(connection, kernel), deadline_s=deadline_s
            )
            self._last = replace(facts, capabilities=self._capabilities)
        return self._last


def read_facts(connection: Any, kernel: str) -> HostFacts:  # noqa: ANN401 - libvirt.virConnect
    """Ask libvirt; blocks, so it runs in a channel's thread."""
    root = xml.parse(connection.getCapabilities(), "capabilities")
    info = connection.getInfo()
    arch = root.findtext("host/cpu/arch") or "x86_64"
    types = {
        element.get("type") or ""
        for guest in root.iterfind("guest")
        if guest.findtext("os_type") == "hvm"
        for own in guest.iterfind("arch")
        if own.get("name") == arch
        for element in own.iterfind("domain")
    }
    return HostFacts(
        hostname=connection.getHostname(),
        uuid=root.findtext("host/uuid") or "",
        cpu_model=root.findtext("host/cpu/model") or arch,
        cores=int(info[2]),
        memory_mib=int(info[1]),
        libvirt_version=version_text(connection.getLibVersion()),
        hypervisor_version=version_text(connection.getVersion()),
        kernel=kernel,
        networks=_networks(connection),
        domain_types=tuple(sorted(types, key=lambda name: name != "kvm")),
    )


def _networks(connection: Any) -> tuple[str, ...]:  # noqa: ANN401 - libvirt.virConnect
    """Return the active networks; none where their driver is missing, or its daemon (virtnetworkd) does not run."""
    try:
        return tuple(sorted(network.name() for network in connection.listAllNetworks(2)))
    except load_libvirt().libvirtError:
        if not connection.isAlive():
            raise
        return ()


def version_text(number: int) -> str:
    """Return libvirt's packed version as people write it."""
    return f"{number // 1_000_000}.{number // 1_000 % 1_000}.{number % 1_000}"
