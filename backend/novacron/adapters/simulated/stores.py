"""Where simulated disks live: stores, and the pools under which hosts know them.

A store is the real place (one export, one local file system); each host that reaches it has a pool of its own
onto it. Two hosts with the same store see the same volumes; two with equal paths on different stores do not.
"""

import uuid
from dataclasses import dataclass, field

from novacron.model.errors import Conflict, NotFound, OperationError
from novacron.model.ids import PoolId, VmId
from novacron.model.storage import Pool, Volume


@dataclass(slots=True, kw_only=True)
class StoredVolume:
    """A volume, and for whom it was made."""

    volume: Volume
    owner: VmId | None = None


class Volumes(dict[str, StoredVolume]):
    """Volumes by path, and how often they have changed: what was found out about files holds until then."""

    def __init__(self) -> None:
        super().__init__()
        self.changes = 0

    def __setitem__(self, path: str, stored: StoredVolume) -> None:
        self.changes += 1
        super().__setitem__(path, stored)

    def __delitem__(self, path: str) -> None:
        self.changes += 1
        super().__delitem__(path)

    def pop(self, path: str, default: StoredVolume | None = None) -> StoredVolume | None:  # type: ignore[override]
        """Remove a volume and return it; `default` when there is none."""
        self.changes += 1
        return super().pop(path, default)


@dataclass(slots=True, kw_only=True)
class Store:
    """One place where volumes are."""

    path: str
    capacity_mib: int
    kind: str = "dir"
    file_system: str = "ext4"
    shared: bool = False
    locks: bool = True
    """Whether a lock taken on one host is seen on the others. False: nothing prevents two writers."""
    full: bool = False
    label: str = field(default_factory=lambda: uuid.uuid4().hex)
    """What tells this file system from every other one."""
    volumes: Volumes = field(default_factory=Volumes)

    @property
    def allocation_mib(self) -> int:
        """What its volumes take."""
        if self.full:
            return self.capacity_mib
        return min(self.capacity_mib, sum(stored.volume.allocation_mib for stored in self.volumes.values()))

    def holds(self, path: str) -> bool:
        """Whether `path` would be a file of this store."""
        return path.startswith(f"{self.path}/")

    def add(
        self,
        name: str,
        *,
        capacity_mib: int,
        allocation_mib: int = 0,
        owner: VmId | None = None,
        backing_path: str = "",
    ) -> str:
        """Make a volume and return its path; the owner's own is taken as it is.

        Raises:
            Conflict: one of that name exists for somebody else.
            OperationError: there is no room.
        """
        path = f"{self.path}/{name}"
        if self._has_own(path, owner):
            return path
        if self.capacity_mib - self.allocation_mib < max(1, allocation_mib):
            raise OperationError(
                name, f"cannot allocate in {self.path}: No space left on device", "free space in the pool"
            )
        self.volumes[path] = StoredVolume(
            volume=Volume(
                name=name,
                path=path,
                capacity_mib=capacity_mib,
                allocation_mib=allocation_mib,
                format="qcow2" if name.endswith("qcow2") else "raw",
                backing_path=backing_path,
            ),
            owner=owner,
        )
        return path

    def _has_own(self, path: str, owner: VmId | None) -> bool:
        existing = self.volumes.get(path)
        if existing is None:
            return False
        if owner is not None and existing.owner == owner:
            return True
        name = existing.volume.name
        raise Conflict(
            name,
            f"storage volume '{name}' exists already and was not made for this VM",
            "choose another name",
        )


@dataclass(slots=True, kw_only=True)
class HostPool:
    """A pool as one host has it."""

    id: PoolId
    name: str
    store: Store
    active: bool = True
    autostart: bool = True

    def reading(self) -> Pool:
        """Return what the host says of it."""
        allocation_mib = self.store.allocation_mib
        return Pool(
            id=self.id,
            name=self.name,
            kind=self.store.kind,
            active=self.active,
            autostart=self.autostart,
            path=self.store.path,
            capacity_mib=self.store.capacity_mib if self.active else None,
            allocation_mib=allocation_mib if self.active else None,
            available_mib=self.store.capacity_mib - allocation_mib if self.active else None,
            volumes=tuple(stored.volume for stored in self.store.volumes.values()) if self.active else (),
            shared=self.store.shared,
        )

    def require_active(self) -> Store:
        """Return its store.

        Raises:
            OperationError: the pool is stopped.
        """
        if not self.active:
            raise OperationError(
                self.name,
                f"Requested operation is not valid: storage pool '{self.name}' is not active",
                "start the pool",
            )
        return self.store

    def find(self, volume: str) -> StoredVolume:
        """Return the volume of that name.

        Raises:
            NotFound: there is none.
        """
        for stored in self.require_active().volumes.values():
            if stored.volume.name == volume:
                return stored
        raise NotFound(volume, f"Storage volume not found: no storage vol with matching name '{volume}'")
