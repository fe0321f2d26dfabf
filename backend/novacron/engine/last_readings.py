"""Keeping what each host said last beyond the backend's own life."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from novacron.model.errors import JournalError
from novacron.model.host import HostLoad, HostReading
from novacron.model.ids import HostId
from novacron.model.storage import Pool
from novacron.model.vm import VmDisk, VmReading, VmUsage
from novacron.ports.readings import ReadingArchive

_KEEP_AT_LEAST_EVERY: Final = timedelta(minutes=5)
"""Also of a host on which nothing changes: how old its last word is stays known that well."""
_log = logging.getLogger("novacron.readings")


class LastReadings:
    """Writes inventories that say something new, one after the other, behind the pollers' backs."""

    def __init__(self, archive: ReadingArchive) -> None:
        self._archive = archive
        self._kept: dict[HostId, HostReading] = {}
        self._alike: dict[HostId, HostReading] = {}
        """The newest reading of each host that decides the same as the one kept."""
        self._waiting: dict[HostId, HostReading] = {}
        self._is_wanted = asyncio.Event()
        self.error = ""
        """Why the last one could not be kept; empty when it could."""

    async def load(self) -> tuple[HostReading, ...]:
        """Return what an earlier run of the backend was told last."""
        readings = await self._archive.load()
        self._kept = {reading.host: reading for reading in readings}
        return readings

    def note(self, reading: HostReading) -> None:
        """Keep it soon, if it is an inventory and differs from what is kept.

        One that cannot tell of files is better than none, and than another such one, but not than one that can.
        """
        kept = self._waiting.get(reading.host) or self._kept.get(reading.host)
        if reading.inventory_at is None or (reading.files_trouble and kept is not None and not kept.files_trouble):
            return
        if self._is_new(reading):
            self._waiting[reading.host] = _without_figures(reading)
            self._is_wanted.set()

    async def run(self) -> None:
        """Write what is noted, until cancelled."""
        while True:
            # First of all: what could not be written by a run of this that failed.
            await self._write()
            self._is_wanted.clear()
            await self._is_wanted.wait()

    async def stop(self) -> None:
        """Write what is waiting; nothing is noted after it."""
        await self._write()

    def _is_new(self, reading: HostReading) -> bool:
        kept = self._kept.get(reading.host)
        if (
            kept is None
            or kept.files_trouble != reading.files_trouble
            or reading.observed_at - kept.observed_at >= _KEEP_AT_LEAST_EVERY
        ):
            return True
        # Compared with the newest that decides the same, which has most parts in common: those are not looked into.
        if _decides_otherwise(self._alike.get(reading.host, kept), reading):
            return True
        self._alike[reading.host] = reading
        return False

    async def _write(self) -> None:
        while self._waiting:
            host = next(iter(self._waiting))
            reading = self._waiting.pop(host)
            try:
                await self._archive.keep(reading)
                await self._forget_former_names(reading)
            except JournalError as error:
                if not self.error:
                    _log.warning("%s", error)
                self.error = str(error)
                return
            except BaseException:
                # Broken off, or failed in an unforeseen way: again, after the others.
                self._waiting.setdefault(host, reading)
                raise
            self._kept[host], self._alike[host], self.error = reading, reading, ""

    async def _forget_former_names(self, reading: HostReading) -> None:
        """Keep nothing of the names under which this machine was read before, as the fleet does not either."""
        uuid = reading.facts.uuid
        for name in [name for name, kept in self._kept.items() if uuid and kept.facts.uuid == uuid]:
            if name != reading.host:
                await self._archive.forget(name)
                del self._kept[name]
                self._alike.pop(name, None)


def _without_figures(reading: HostReading) -> HostReading:
    """Return it without what differs at every reading and decides about nothing."""
    return replace(reading, load=HostLoad(), vms=tuple(replace(vm, usage=VmUsage()) for vm in reading.vms))


def _decides_otherwise(before: HostReading, after: HostReading) -> bool:
    """Whether what plans go by differs: which VMs and volumes there are, and which files they need; no figure."""
    if len(before.vms) != len(after.vms) or any(map(_vm_decides_otherwise, before.vms, after.vms)):
        return True
    return before.pools is not after.pools and _pools_deciding(before.pools) != _pools_deciding(after.pools)


def _vm_decides_otherwise(before: VmReading, after: VmReading) -> bool:
    return before is not after and (
        before.id != after.id
        or before.name != after.name
        or before.state is not after.state
        or (before.disks is not after.disks and _files_of(before.disks) != _files_of(after.disks))
        or (before.uses is not after.uses and before.uses != after.uses)
    )


def _files_of(disks: Sequence[VmDisk]) -> list[object]:
    return [(disk.source, disk.file) for disk in disks]


def _pools_deciding(pools: Sequence[Pool]) -> list[object]:
    return [(p.id, p.active, p.shared, [(v.path, v.file, v.uses) for v in p.volumes]) for p in pools]
