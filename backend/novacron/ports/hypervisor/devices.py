"""Attaches and detaches disks and network interfaces, while a VM runs and in its stored definition.

`live` is about the process that runs, `stored` about the definition from which the next start takes its devices; either
or both. What is so already on a side is left as it is there, so that a call whose answer was lost can be made again.
With both, the process comes first: where it refuses, the stored definition is as it was.
"""

from typing import Protocol

from novacron.model.device import DiskAttachment, NicAttachment
from novacron.model.ids import VmId


class VmDevices(Protocol):
    """Attaches and detaches devices."""

    async def attach_disk(self, vm: VmId, disk: DiskAttachment, *, live: bool, stored: bool, deadline_s: float) -> None:
        """Attach a disk. It is there when a look shows it (`VmReading.live_disks`, `disks_at_next_start`).

        Raises:
            NotFound: the VM, or the file, is not there.
            Conflict: another disk has the target.
            OperationError: the VM does not run (`live`) or is transient (`stored`), has no free PCIe port, or
                another process has the file open.
        """

    async def attach_nic(self, vm: VmId, nic: NicAttachment, *, live: bool, stored: bool, deadline_s: float) -> None:
        """Attach a network interface. It is there when a look shows it.

        Raises:
            NotFound: the VM, or the network, is not there.
            Conflict: another interface of the VM has the MAC address.
            OperationError: the VM does not run (`live`) or is transient (`stored`), or has no free PCIe port.
        """

    async def detach_disk(self, vm: VmId, target: str, *, live: bool, stored: bool, deadline_s: float) -> None:
        """Have a disk taken away; not being there is success.

        From a VM that runs it is gone when its guest has let go of it, which a look shows and the return of this call
        does not: a paused guest lets go when it goes on, and one without PCI hotplug never does.

        Raises:
            NotFound: the VM is not there.
            OperationError: the VM does not run (`live`) or is transient (`stored`), or a job holds the disk.
        """

    async def detach_nic(self, vm: VmId, mac: str, *, live: bool, stored: bool, deadline_s: float) -> None:
        """Have a network interface taken away, as `detach_disk` does with a disk."""
