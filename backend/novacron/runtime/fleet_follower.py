"""A running backend follows its fleet file: a host that is added, changed or removed there is so here."""

import asyncio

import structlog

from novacron.config.options import FleetOptions
from novacron.config.paths import config_file
from novacron.engine.service import BackendService
from novacron.model.errors import NovaCronError
from novacron.ports.clock import Clock
from novacron.runtime.fleet_choice import fleet_of

_LOOK_S = 1.0
_log = structlog.get_logger("novacron.fleet")


class FleetFollower:
    """Looks at the file's dates, and reads it only when they changed."""

    def __init__(self, options: FleetOptions, service: BackendService, clock: Clock) -> None:
        self._options = options
        self._service = service
        self._clock = clock
        self._path = options.fleet or config_file()
        self._seen = self._mark()

    async def run(self) -> None:
        """Follow it for ever. A file with a mistake changes nothing, and the backend says so in its status."""
        if self._options.simulated or self._options.connect:
            return
        while True:
            await self._clock.sleep(_LOOK_S)
            mark = self._mark()
            if mark != self._seen and await self._adopt():
                self._seen = mark

    async def _adopt(self) -> bool:
        """Take the file as it is; False when it has to be taken again, though it did not change."""
        try:
            choice = await asyncio.to_thread(fleet_of, self._options)
        except (NovaCronError, OSError, RuntimeError, ValueError) as error:
            # Whatever the file holds: who stops following it because of a mistake never sees the mistake mended.
            self._service.fleet_error = str(error)
            _log.warning("fleet file not followed", cause=str(error))
            return True
        staying = await self._service.set_hosts(choice.hosts)
        self._service.fleet_error = ""
        if staying:
            hosts = ", ".join(staying)
            self._service.fleet_error = f"operations work on {hosts}: watched until they have ended"
            return False
        _log.info("fleet file followed", hosts=len(choice.hosts))
        return True

    def _mark(self) -> tuple[int, ...]:
        try:
            found = self._path.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
