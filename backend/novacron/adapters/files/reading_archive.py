"""The last readings as files: one a host, replaced whole, so that a crash leaves the former one or the new one."""

import asyncio
import hashlib
import json
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from novacron.model.errors import JournalError
from novacron.model.host import HostReading
from novacron.model.ids import HostId

_LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a file that is read at start: a reading of thousands of VMs is a few."""
_log = logging.getLogger("novacron.readings")


class FileReadingArchive:
    """ports.readings.ReadingArchive in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._document: TypeAdapter[HostReading] = TypeAdapter(HostReading)

    async def load(self) -> tuple[HostReading, ...]:
        """Return what is kept."""
        return await asyncio.to_thread(self._load)

    async def keep(self, reading: HostReading) -> None:
        """Write it beside the former one, and put it in its place."""
        await asyncio.to_thread(self._keep, reading)

    async def forget(self, host: HostId) -> None:
        """Remove the host's file."""
        path = self._path(host)
        try:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except OSError as error:
            raise JournalError(
                str(path), f"the last reading of {host} cannot be removed: {error.strerror}", "check the folder's owner"
            ) from error

    def _load(self) -> tuple[HostReading, ...]:
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                if path.stat().st_size > _LARGEST:
                    raise ValueError("it is far too large for a reading")
                found.append(self._document.validate_python(json.loads(path.read_text(encoding="utf-8"))))
            except (OSError, ValueError, ValidationError, RecursionError) as error:
                _log.warning("%s: the last reading in it is not understood: %.200s", path, error)
        return tuple(found)

    def _keep(self, reading: HostReading) -> None:
        path = self._path(reading.host)
        beside = path.with_suffix(".new")
        # Escaped throughout: foreign text may hold what no encoding has.
        text = json.dumps(to_jsonable_python(self._document.dump_python(reading)))
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with beside.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise JournalError(
                str(path), f"the last reading of {reading.host} cannot be kept: {error.strerror}", "free space there"
            ) from error

    def _path(self, host: HostId) -> Path:
        # By its digest: a host may be called anything.
        name = hashlib.sha256(host.encode(errors="surrogatepass")).hexdigest()[:32]
        return self._folder / f"{name}.json"
