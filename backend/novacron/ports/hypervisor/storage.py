"""Acts on a host's storage: pools and volumes by name as the operator sees them, and the disks of VMs."""

from typing import Protocol

from novacron.model.migration import DiskProbe
from novacron.model.vm_definition import NewDisk


class HostStorage(Protocol):
    """Makes, finds, probes and deletes volumes; starts and stops pools."""

    async def create_disk(self, disk: NewDisk, *, anew: bool = False, deadline_s: float) -> str:
        """Create a VM's disk and return its path.

        With `anew` one made for this VM's UUID before is deleted first: whether it was finished shows nowhere.

        Raises:
            Conflict: the volume exists, or one of that name that was not made for this VM; or a VM or another
                volume of this host needs the one to be made anew.
            Busy: the one made before is still being made.
        """

    async def find_disk(self, disk: NewDisk, *, deadline_s: float) -> str:
        """Return the path of the volume that `create_disk` makes; empty when it is not there."""

    async def delete_disk(self, path: str, *, deadline_s: float) -> None:
        """Delete the volume at `path`; not being there is success."""

    async def probe_disks(self, paths: tuple[str, ...], *, deadline_s: float) -> tuple[DiskProbe, ...]:
        """Tell whether each path is there, which file it is, and whether a lock held elsewhere is seen."""

    async def set_pool_active(self, pool: str, active: bool, *, deadline_s: float) -> None:
        """Start or stop a pool."""

    async def delete_volume(self, pool: str, volume: str, *, deadline_s: float) -> None:
        """Delete a volume; not being there is success."""
