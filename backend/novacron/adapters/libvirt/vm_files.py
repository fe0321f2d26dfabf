"""Every file that one VM needs, running and stored: its definitions, its snapshots, checkpoints and saved memory."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from novacron.adapters.libvirt import xml
from novacron.adapters.libvirt.binding import load_libvirt
from novacron.adapters.libvirt.named_files import NamedPath, known_chains, named_paths
from novacron.model.errors import OperationError
from novacron.model.files import UseKind

_TPM_STATE: Final = "/var/lib/libvirt/swtpm"
_SAVED: Final = "/var/lib/libvirt/qemu/save"
"""Where the system instance of libvirt keeps them; no call tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmFiles:
    """What a VM names, before anybody looked which files that are."""

    paths: tuple[NamedPath, ...] = ()
    chains: frozenset[str] = frozenset()
    """Disks of which the running definition tells the whole chain."""
    unread: str = ""
    """What of it could not be read; empty when everything was."""


def read_vm_files(domain: Any, *, is_active: bool, persistent: bool) -> VmFiles:  # noqa: ANN401 - libvirt.virDomain
    """Return what the VM names. Runs in a thread.

    Source: virDomainGetXMLDesc, virDomainListAllSnapshots, virDomainListAllCheckpoints.
    """
    libvirt = load_libvirt()
    subject = domain.UUIDString()
    paths: dict[str, NamedPath] = {}
    chains: frozenset[str] = frozenset()
    try:
        root = xml.parse(domain.XMLDesc(0), subject)
        if is_active:
            chains = known_chains(root)
        _note(paths, named_paths(root))
        if is_active and persistent:
            _note(paths, named_paths(xml.parse(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE), subject)))
        if root.find("devices/tpm/backend[@type='emulator']") is not None:
            _note(paths, (NamedPath(path=f"{_TPM_STATE}/{subject}", what="TPM", kind=UseKind.FOLDER),))
        _note(paths, _of_snapshots(domain))
        with suppress(libvirt.libvirtError):
            if persistent and domain.hasManagedSaveImage():
                _note(paths, (NamedPath(path=f"{_SAVED}/{domain.name()}.save", what="saved memory"),))
    except OperationError as error:
        return VmFiles(paths=tuple(paths.values()), chains=chains, unread=error.detail)
    return VmFiles(paths=tuple(paths.values()), chains=chains)


def _note(paths: dict[str, NamedPath], found: tuple[NamedPath, ...]) -> None:
    for named in found:
        paths.setdefault(named.path, named)


def _of_snapshots(domain: Any) -> tuple[NamedPath, ...]:  # noqa: ANN401 - libvirt.virDomain
    """Return what snapshots and checkpoints name. Raises OperationError for XML that is none."""
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
