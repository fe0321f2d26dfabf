"""What is read of a VM's definitions: once, and kept until something happens to it."""

from dataclasses import dataclass, replace
from typing import Any

from novacron.adapters.libvirt import definition
from novacron.adapters.libvirt.binding import load_libvirt
from novacron.adapters.libvirt.control_interface import busy_for_s
from novacron.adapters.libvirt.definition import Definition
from novacron.adapters.libvirt.vm_files import VmFiles, read_kept_files, read_vm_files
from novacron.model.errors import OperationError
from novacron.model.ids import VmId
from novacron.model.vm import VmDisk, VmNic, VmSize, VmSizing


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownVm:
    """What is read once per VM and kept until something happens to it."""

    definition: Definition
    persistent: bool
    autostart: bool
    job_active: bool
    was_active: bool
    sizing: VmSizing
    files: VmFiles
    stored_disks: tuple[VmDisk, ...] | None = None
    stored_nics: tuple[VmNic, ...] | None = None
    """As in VmReading."""


_NO_SIZE = VmSize(vcpus=0, vcpus_max=0, memory_mib=0, memory_max_mib=0)
_NO_DEFINITION = Definition(
    disks=(),
    nics=(),
    description="",
    serial_problem="its definition could not be read",
    other_devices=(),
    size=_NO_SIZE,
    sizing=VmSizing(),
)
NOT_READ = KnownVm(
    definition=_NO_DEFINITION,
    persistent=True,
    autostart=False,
    job_active=False,
    was_active=False,
    sizing=VmSizing(),
    files=VmFiles(),
)


def learn(
    domain: Any,  # noqa: ANN401 - libvirt.virDomain
    before: KnownVm | None,
    *,
    is_active: bool,
    persistent: bool,
    autostart: bool,
    has_saved_memory: bool,
) -> KnownVm:
    """Read its definitions. Blocks, so it runs in a channel's thread.

    `before`: what was known of it; None: nothing.
    """
    vm, live = VmId(domain.UUIDString()), domain.XMLDesc(0)
    other = domain.XMLDesc(load_libvirt().VIR_DOMAIN_XML_INACTIVE) if is_active and persistent else ""
    found = _definition_of(live, vm)
    at_next_start = _definition_of(other, vm) if other else found
    stored = at_next_start.sizing
    files = read_vm_files(vm, domain.name(), live, other, is_active=is_active, has_saved_memory=has_saved_memory)
    return KnownVm(
        definition=found,
        persistent=persistent,
        autostart=autostart,
        job_active=is_active and _has_job(domain),
        was_active=is_active,
        sizing=replace(
            stored,
            at_next_start=stored.at_next_start if persistent else None,
            has_saved_memory=has_saved_memory,
        ),
        # Snapshots are asked for with inventories: a call a VM, which an event must not cost.
        files=replace(files, kept=before.files.kept if before else None),
        stored_disks=definition.differing_disks(found, at_next_start),
        stored_nics=definition.differing_nics(found, at_next_start),
    )


def with_kept_files(known: KnownVm, domain: Any | None) -> KnownVm:  # noqa: ANN401 - libvirt.virDomain
    """Return it with what the domain's snapshots name; None: it has none."""
    try:
        kept = read_kept_files(domain) if domain is not None else ()
    except OperationError as error:
        return replace(known, files=replace(known.files, kept=(), trouble=error.detail))
    return replace(known, files=replace(known.files, kept=kept))


def _definition_of(text: str, vm: VmId) -> Definition:
    try:
        return definition.read(text, vm)
    except OperationError:
        # XML nobody could read is shown as a VM without devices, rather than hiding its host.
        return _NO_DEFINITION


def _has_job(domain: Any) -> bool:  # noqa: ANN401 - libvirt.virDomain
    if busy_for_s(domain) is not None:
        return True
    try:
        return bool(domain.jobInfo()[0] != load_libvirt().VIR_DOMAIN_JOB_NONE)
    except load_libvirt().libvirtError:
        return False
