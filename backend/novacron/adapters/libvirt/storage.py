"""Disks, volumes and pools."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from lxml import etree

from novacron.adapters.libvirt import xml
from novacron.adapters.libvirt.channel import Connection
from novacron.adapters.libvirt.disk_probe import probe_disk
from novacron.adapters.libvirt.foreign_text import text_of
from novacron.adapters.libvirt.host_role import HostRole
from novacron.model.errors import Busy, Conflict, NotFound, OperationError
from novacron.model.migration import DiskProbe
from novacron.model.vm_definition import NewDisk

_MIB = 1024 * 1024
_UUID_DIGITS = 8
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


class Storage(HostRole):
    """ports.hypervisor.HostStorage."""

    async def create_disk(self, disk: NewDisk, *, anew: bool = False, deadline_s: float) -> str:
        """Create the VM's disk. Source: virStorageVolCreateXML, virStorageVolCreateXMLFrom."""
        path: str = await self.change_apart(
            "creating its disk", lambda connection: self._create_disk(connection, disk, anew), deadline_s=deadline_s
        )
        return path

    async def find_disk(self, disk: NewDisk, *, deadline_s: float) -> str:
        """Return the path of the volume that `create_disk` makes, if it is there."""

        def find(connection: Connection) -> str:
            pool = connection.storagePoolLookupByName(disk.pool)
            found = self._volume_of(pool, _volume_name(disk))
            return "" if found is None else str(found.path())

        return await self.query("looking for its disk", find, deadline_s=deadline_s)

    async def delete_disk(self, path: str, *, deadline_s: float) -> None:
        """Delete the volume at `path`; one that is gone is success. A file that is in no pool is not ours to delete."""
        try:
            await self.change_apart(
                "deleting a disk", lambda connection: self._volume_at(connection, path).delete(0), deadline_s=deadline_s
            )
        except NotFound:
            if await self._exists(path, deadline_s):
                raise OperationError(
                    path, "it is in no storage pool, so it was not deleted", "delete it on the host"
                ) from None
        except OperationError:
            # A pool may still list what another host deleted.
            if not self.access.has_shell or await self._exists(path, deadline_s):
                raise

    async def probe_disks(self, paths: tuple[str, ...], *, deadline_s: float) -> tuple[DiskProbe, ...]:
        """Look at each path, and try to open it as a second user would."""
        return tuple(await asyncio.gather(*(probe_disk(self.access, path, deadline_s=deadline_s) for path in paths)))

    async def set_pool_active(self, pool: str, active: bool, *, deadline_s: float) -> None:
        """Start or stop a pool. Source: virStoragePoolCreate, virStoragePoolDestroy."""

        def switch(connection: Connection) -> None:
            found = connection.storagePoolLookupByName(pool)
            if bool(found.isActive()) is active:
                return
            if active:
                found.create()
            else:
                found.destroy()

        await self.change_apart(f"switching pool {pool}", switch, deadline_s=deadline_s)

    async def delete_volume(self, pool: str, volume: str, *, deadline_s: float) -> None:
        """Delete a volume; one that is gone already is success, a pool that is not there is not."""

        def delete(connection: Connection) -> None:
            home = connection.storagePoolLookupByName(pool)
            target = self._volume_of(home, volume)
            try:
                if target is not None:
                    target.delete(0)
            except self.libvirt.libvirtError:
                # A pool may still list what another host deleted.
                self._refresh(home)
                if self._volume_of(home, volume) is not None:
                    raise

        await self.change_apart(f"deleting volume {volume}", delete, deadline_s=deadline_s)

    async def _exists(self, path: str, deadline_s: float) -> bool:
        """Whether a file is there; no where nobody can be asked."""
        if not self.access.has_shell:
            return False
        return (await self.access.run(("test", "-e", path), deadline_s=deadline_s)).exit_status == 0

    def _create_disk(self, connection: Connection, disk: NewDisk, anew: bool) -> str:
        name = _volume_name(disk)
        if not _PLAIN_NAME.fullmatch(name):
            raise OperationError(disk.vm_name, "this cannot be a volume's name", "use letters, digits, dots and dashes")
        pool = connection.storagePoolLookupByName(disk.pool)
        self._refresh(pool)
        foreign = re.compile(re.escape(disk.vm_name) + r"-[0-9a-f]{8}\.qcow2")
        for volume in pool.listAllVolumes():
            found = text_of(volume.name)
            if found == name:
                self._discard(connection, pool, volume, name, anew)
            elif foreign.fullmatch(found):
                raise Conflict(
                    found,
                    "this volume was made for another VM of that name",
                    "delete it, or choose another name",
                )
        base = pool.storageVolLookupByName(disk.base_volume) if disk.base_volume else None
        size = max(disk.size_mib * _MIB, base.info()[1] if base is not None else 0)
        wanted = _volume_xml(name, size)
        made = pool.createXMLFrom(wanted, base, 0) if base is not None else pool.createXML(wanted, 0)
        if made.info()[1] < size:
            made.resize(size)
        return str(made.path())

    def _discard(
        self,
        connection: Connection,
        pool: Any,  # noqa: ANN401 - libvirt.virStoragePool
        volume: Any,  # noqa: ANN401 - libvirt.virStorageVol
        name: str,
        anew: bool,
    ) -> None:
        """Delete what an interrupted creation has left: libvirt lists a volume from the first byte of its copy."""
        if not anew:
            raise Conflict(name, "this volume is there already", "look what it is; delete it, or choose another name")
        user = self._user_of(connection, pool, str(volume.path()))
        if user:
            raise Conflict(name, f"{user} needs this volume", "look what it is, or choose another name")
        try:
            volume.delete(0)
        except self.libvirt.libvirtError as error:
            said = error.get_error_message() or "libvirt did not say why"
            raise Busy(name, f"what was made of it before cannot be deleted yet: {said}") from error

    def _user_of(self, connection: Connection, pool: Any, path: str) -> str:  # noqa: ANN401 - libvirt.virStoragePool
        """Name a VM of this host that has the volume anywhere in its definitions, or a volume that is based on it."""
        for domain in connection.listAllDomains():
            texts = [self._unless_gone(partial(domain.XMLDesc, flags)) for flags in self._both_ways()]
            if any(_names_volume(text, path, pool.name()) for text in texts if text):
                return text_of(domain.name)
        for other in pool.listAllVolumes():
            text = self._unless_gone(other.XMLDesc)
            if text and xml.parse(text, path).findtext("backingStore/path") == path:
                return text_of(other.name)
        return ""

    def _both_ways(self) -> tuple[int, int]:
        """Return the flags for a definition as it runs, and as it is at the next start."""
        return 0, self.libvirt.VIR_DOMAIN_XML_INACTIVE

    def _unless_gone(self, describe: Callable[[], str]) -> str:
        """Return a description; empty when its subject was removed meanwhile."""
        libvirt = self.libvirt
        try:
            return text_of(describe)
        except libvirt.libvirtError as error:
            if error.get_error_code() in (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_NO_STORAGE_VOL):
                return ""
            raise

    def _volume_at(self, connection: Connection, path: str) -> Any:  # noqa: ANN401 - libvirt.virStorageVol
        """Return the volume at a path. What another host made on a shared pool is known after a refresh only."""
        try:
            return connection.storageVolLookupByPath(path)
        except self.libvirt.libvirtError as error:
            if error.get_error_code() != self.libvirt.VIR_ERR_NO_STORAGE_VOL:
                raise
        folder = PurePosixPath(path).parent
        for pool in connection.listAllStoragePools(self.libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE):
            target = xml.parse(pool.XMLDesc(), pool.name()).findtext("target/path")
            if target and PurePosixPath(target) == folder:
                self._refresh(pool)
        return connection.storageVolLookupByPath(path)

    def _volume_of(self, pool: Any, name: str) -> Any:  # noqa: ANN401 - libvirt.virStoragePool, libvirt.virStorageVol
        """Return a pool's volume by name, as `_volume_at` does; None when there is none."""
        for fresh in (False, True):
            if fresh:
                self._refresh(pool)
            # Compared by us: a name that is not UTF-8 can be listed, but not asked for.
            found = [volume for volume in pool.listAllVolumes() if text_of(volume.name) == name]
            if len(found) > 1:
                raise Conflict(name, "two volumes are shown by this name", "rename one on the host")
            if found:
                return found[0]
        return None

    def _refresh(self, pool: Any) -> None:  # noqa: ANN401 - libvirt.virStoragePool
        with suppress(self.libvirt.libvirtError):  # busy with another job: what it knows has to do
            pool.refresh()


def _volume_name(disk: NewDisk) -> str:
    return f"{disk.vm_name}-{disk.vm[:_UUID_DIGITS]}.qcow2"


def _names_volume(definition: str, path: str, pool: str) -> bool:
    """Whether a definition has the volume anywhere: by its path, or by its pool and name."""
    for element in xml.parse(definition, path).iter():
        if path in (element.text, *element.attrib.values()):
            return True
        if element.get("pool") == pool and element.get("volume") == PurePosixPath(path).name:
            return True
    return False


def _volume_xml(name: str, size: int) -> str:
    root = etree.Element("volume")
    xml.add(root, "name", name)
    xml.add(root, "capacity", str(size), unit="bytes")
    xml.add(root, "allocation", "0")
    target = xml.add(root, "target")
    xml.add(target, "format", type="qcow2")
    return xml.write(root)
