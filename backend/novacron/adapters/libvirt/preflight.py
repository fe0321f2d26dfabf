"""Judging, as a destination, whether a definition could run here."""

from lxml import etree

from novacron.adapters.libvirt import xml
from novacron.adapters.libvirt.channel import Connection
from novacron.adapters.libvirt.host_role import HostRole
from novacron.model.migration import GuestFit


class Preflight(HostRole):
    """The destination's half of ports.hypervisor.VmMigrator."""

    async def judge(self, definition: str, *, deadline_s: float) -> GuestFit:
        """Judge. Source: virConnectCompareHypervisorCPU, capabilities, networks, free memory."""
        root = xml.parse(definition, "definition")
        bridges = await self._missing_bridges(root, deadline_s)
        kernel_visible = await self._kernel_visible(root, deadline_s)
        return await self.query(
            "judging whether it fits",
            lambda connection: self._judge(connection, root, bridges, kernel_visible),
            deadline_s=deadline_s,
        )

    async def _missing_bridges(self, root: etree._Element, deadline_s: float) -> tuple[str, ...]:
        missing = []
        for source in root.iterfind("devices/interface[@type='bridge']/source"):
            bridge = source.get("bridge") or ""
            if bridge and self.access.has_shell:
                found = await self.access.run(("test", "-d", f"/sys/class/net/{bridge}"), deadline_s=deadline_s)
                if found.exit_status != 0:
                    missing.append(bridge)
        return tuple(missing)

    async def _kernel_visible(self, root: etree._Element, deadline_s: float) -> bool | None:
        paths = [path for tag in ("kernel", "initrd") if (path := root.findtext(f"os/{tag}"))]
        if not paths or not self.access.has_shell:
            return None
        for path in paths:
            if (await self.access.run(("test", "-r", path), deadline_s=deadline_s)).exit_status != 0:
                return False
        return True

    def _judge(
        self, connection: Connection, root: etree._Element, bridges: tuple[str, ...], kernel_visible: bool | None
    ) -> GuestFit:
        host = xml.parse(connection.getCapabilities(), "capabilities")
        kind = root.get("type") or "qemu"
        machine = _machine(root)
        active = {network.name() for network in connection.listAllNetworks(2)}
        wanted = [source.get("network") or "" for source in root.iterfind("devices/interface[@type='network']/source")]
        cpu_compatible, cpu_detail = self._compare_cpu(connection, root, kind)
        memory = connection.getMemoryStats(-1, 0)
        return GuestFit(
            cpu_compatible=cpu_compatible,
            cpu_detail=cpu_detail,
            domain_type_supported=host.find(f"guest/arch/domain[@type='{kind}']") is not None
            if kind in ("kvm", "qemu")
            else None,
            missing_networks=(*(name for name in wanted if name and name not in active), *bridges),
            memory_free_mib=sum(memory.get(key, 0) for key in ("free", "buffers", "cached")) // 1024,
            name_taken=self._name_taken(connection, root),
            machine_supported=machine in {element.text for element in host.iterfind(".//machine")} if machine else None,
            machine=machine,
            kernel_visible=kernel_visible,
        )

    def _compare_cpu(self, connection: Connection, root: etree._Element, kind: str) -> tuple[bool | None, str]:
        cpu = root.find("cpu")
        if cpu is None or cpu.find("model") is None or kind not in ("kvm", "qemu"):
            return None, "the definition names no CPU model"
        libvirt = self.libvirt
        flags = libvirt.VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE
        text = etree.tostring(cpu, encoding="unicode")
        try:
            connection.compareHypervisorCPU(None, None, None, kind, text, flags)
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_CPU_INCOMPATIBLE:
                return False, error.get_error_message() or "incompatible"
            return None, error.get_error_message() or "it could not be compared"
        return True, ""

    def _name_taken(self, connection: Connection, root: etree._Element) -> bool:
        libvirt = self.libvirt
        try:
            other = connection.lookupByName(root.findtext("name") or "")
        except libvirt.libvirtError:
            return False
        return bool(other.UUIDString() != (root.findtext("uuid") or "").lower())


def _machine(root: etree._Element) -> str:
    kind = root.find("os/type")
    return (kind.get("machine") if kind is not None else None) or ""
