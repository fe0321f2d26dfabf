"""Every file that one VM needs, running and stored: its definitions, its snapshots, checkpoints and saved memory."""

from dataclasses import dataclass
from typing import Any, Final

from novacron.adapters.libvirt import xml
from novacron.adapters.libvirt.binding import load_libvirt
from novacron.adapters.libvirt.named_files import NamedPath, known_chains, named_paths
from novacron.model.errors import OperationError
from novacron.model.files import UseKind
from novacron.model.ids import VmId

_TPM_STATE: Final = "/var/lib/libvirt/swtpm"
_SAVED: Final = "/var/lib/libvirt/qemu/save"
"""Where the system instance of libvirt keeps them; no call tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmFiles:
    """What a VM names, before anybody looked which files that are."""

    defined: tuple[NamedPath, ...] = ()
    """By its definitions."""
    kept: tuple[NamedPath, ...] | None = ()
    """By its snapshots and checkpoints; None while nobody asked for them."""
    chains: frozenset[str] = frozenset()
    """Disks of which the running definition tells the whole chain."""
    trouble: str = ""
    """What of it could not be read; empty when everything was."""

    @property
    def paths(self) -> tuple[NamedPath, ...]:
        """Every path, once."""
        found = {named.path: named for named in (*(self.kept or ()), *self.defined)}
        return tuple(found.values())

    @property
    def unread(self) -> str:
        """Why there may be more; empty when there is not."""
        return self.trouble or ("its snapshots were not asked for yet" if self.kept is None else "")


def read_vm_files(vm: VmId, name: str, live: str, stored: str, *, is_active: bool, has_saved_memory: bool) -> VmFiles:
    """Return what a VM's definitions name: the one it has now, and the stored one where that is another."""
    try:
        root = xml.parse(live, vm)
        found = [*named_paths(root), *(named_paths(xml.parse(stored, vm)) if stored else ())]
    except OperationError as error:
        return VmFiles(trouble=error.detail)
    if root.find("devices/tpm/backend[@type='emulator']") is not None:
        found.append(NamedPath(path=f"{_TPM_STATE}/{vm}", what="TPM", kind=UseKind.FOLDER))
    if has_saved_memory:
        found.append(NamedPath(path=f"{_SAVED}/{name}.save", what="saved memory"))
    named = {one.path: one for one in reversed(found)}
    return VmFiles(defined=tuple(named.values()), chains=known_chains(root) if is_active else frozenset())


def read_kept_files(domain: Any) -> tuple[NamedPath, ...]:  # noqa: ANN401 - libvirt.virDomain
    """Return what a VM's snapshots and checkpoints name. Runs in a thread.

    Raises:
        OperationError: their XML is none.

    Source: virDomainListAllSnapshots, virDomainListAllCheckpoints.
    """
    libvirt = load_libvirt()
    found: list[NamedPath] = []
    for list_all, kind in ((domain.listAllSnapshots, "snapshot"), (domain.listAllCheckpoints, "checkpoint")):
        try:
            listed = list_all()
        except libvirt.libvirtError as error:
            if error.get_error_code() in (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_OPERATION_UNSUPPORTED):
                continue  # a driver that has none
            raise
        for one in listed:
            name = one.getName()
            found += named_paths(xml.parse(one.getXMLDesc(), name), of=f"{kind} {name}")
    return tuple(found)
