"""Creates, changes and removes the definitions of a host's VMs."""

from typing import Protocol

from novacron.model.ids import VmId
from novacron.model.vm_definition import VmDefinition


class VmDefiner(Protocol):
    """Creates, changes and removes definitions."""

    async def define(self, definition: VmDefinition, *, deadline_s: float) -> None:
        """Define the VM. One of the same UUID and name that was defined so before is success.

        Raises:
            Conflict: another VM has the name, or the UUID.
        """

    async def define_xml(self, xml: str, *, deadline_s: float) -> None:
        """Define a VM from another host's definition (cold migration)."""

    async def rename(self, vm: VmId, new_name: str, *, deadline_s: float) -> None:
        """Rename; the VM is shut off."""

    async def set_autostart(self, vm: VmId, enabled: bool, *, deadline_s: float) -> None:
        """Start it with the host, or not."""

    async def resize_stored(self, vm: VmId, vcpus: int | None, memory_mib: int | None, *, deadline_s: float) -> None:
        """Set vCPUs and memory in the stored definition, from which its next start takes them.

        A maximum stays where the new figure fits below it, and is raised where it does not. None: as it is.

        Raises:
            OperationError: it is transient, its saved memory would bring the old size back, or the hypervisor
                refuses the figure; vCPUs may then be set already.
        """

    async def resize_live(self, vm: VmId, vcpus: int | None, memory_mib: int | None, *, deadline_s: float) -> None:
        """Set vCPUs and memory of its process, and nothing in its stored definition. None: as it is.

        A balloon gives memory back in its own time, if the guest has a driver for it.

        Raises:
            OperationError: it does not run, or its process has no room for the figure.
        """

    async def undefine(self, vm: VmId, *, deadline_s: float) -> None:
        """Remove its definition (with NVRAM and managed save); not being there is success."""
