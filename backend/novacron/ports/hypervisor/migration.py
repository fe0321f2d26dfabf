"""Moves running VMs from one host to another, and judges as a destination whether it could take one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from novacron.model.ids import VmId
from novacron.model.migration import GuestFit, MigrationMode
from novacron.model.vm import JobProgress

if TYPE_CHECKING:
    from novacron.ports.hypervisor.hypervisor import Hypervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationRequest:
    """How to move one running VM."""

    vm: VmId
    mode: MigrationMode
    copy_storage: bool
    bandwidth_mib_s: int | None = None
    max_downtime_ms: int | None = None
    auto_converge: bool = False


class VmMigrator(Protocol):
    """Moves running VMs away from this host, and judges whether it could take one."""

    async def preflight(self, definition: str, *, deadline_s: float) -> GuestFit:
        """Judge, as a destination, whether this host could run that definition."""

    async def start(self, request: MigrationRequest, destination: "Hypervisor", *, deadline_s: float) -> None:
        """Move a running VM and return when the hypervisor says it ended.

        Its return proves nothing: the caller reads both hosts. Raises OutcomeUnknown when a link broke
        meanwhile.
        """

    async def job(self, vm: VmId, *, deadline_s: float) -> JobProgress | None:
        """Return the figures of the job on it, or None when there is none."""

    async def abort(self, vm: VmId, *, deadline_s: float) -> None:
        """Ask for the job on it to stop; the VM then runs on here."""
