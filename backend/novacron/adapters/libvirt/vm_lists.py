"""What libvirt lists of all VMs of a host at once, where asking each would cost a call a VM."""

from typing import Any

from novacron.adapters.libvirt.channel import Connection
from novacron.model.ids import VmId


class VmLists:
    """Which VMs are persistent, start with the host, and so on: a call each, made when first needed."""

    def __init__(self, libvirt: Any, connection: Connection) -> None:  # noqa: ANN401 - the module
        self._libvirt = libvirt
        self._connection = connection
        self._persistent: frozenset[str] | None = None
        self._autostart: frozenset[str] | None = None
        self._saved: frozenset[str] | None = None
        self._keeping: frozenset[str] | None = None

    def persistent(self, vm: VmId) -> bool:
        """Whether it stays defined when it is off."""
        if self._persistent is None:
            self._persistent = self._listed(self._libvirt.VIR_CONNECT_LIST_DOMAINS_PERSISTENT)
        return vm in self._persistent

    def autostart(self, vm: VmId) -> bool:
        """Whether it starts with its host."""
        if self._autostart is None:
            self._autostart = self._listed(self._libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART)
        return vm in self._autostart

    def has_saved_memory(self, vm: VmId) -> bool:
        """Whether its next start restores its memory."""
        if self._saved is None:
            self._saved = self._listed(self._libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE)
        return vm in self._saved

    def keeps_files(self, vm: VmId) -> bool:
        """Whether it has snapshots or checkpoints, or may have."""
        if self._keeping is None:
            libvirt = self._libvirt
            flags = (libvirt.VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, libvirt.VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT)
            self._keeping = frozenset[str]().union(*map(self._listed, flags))
        return vm in self._keeping

    def _listed(self, flag: int) -> frozenset[str]:
        return frozenset(domain.UUIDString() for domain in self._connection.listAllDomains(flag))
