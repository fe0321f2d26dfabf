"""The command line on a running backend: a hostile simulated fleet served from a thread of this process."""

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from novacron.adapters.simulated.gateway import SimulatedGateway
from novacron.adapters.simulated.population import world_of_fleet
from novacron.adapters.simulated.world import World
from novacron.api.server import ApiServer
from novacron.cli.main import app
from novacron.config.options import FleetOptions
from novacron.config.paths import make_private, paths_of
from novacron.engine.clock import SystemClock
from novacron.engine.service import BackendService
from novacron.engine.settings import EngineSettings
from novacron.runtime import is_answering
from tests.memory_journal import MemoryJournal

HOSTS, VMS = 3, 30
FLEET = ("--simulated-size", f"{HOSTS}x{VMS // HOSTS}")
Command = Callable[..., Result]


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A backend in a thread, and the world behind it."""

    world: World
    loop: asyncio.AbstractEventLoop


@pytest.fixture(scope="session")
def folders() -> Iterator[Path]:
    """Short private folders for sockets, state and configuration, as the environment names them."""
    with tempfile.TemporaryDirectory(prefix="nc-") as made, pytest.MonkeyPatch.context() as environment:
        for name in ("RUNTIME", "STATE", "CONFIG"):
            environment.setenv(f"NOVACRON_{name}_DIR", f"{made}/{name[0].lower()}")
        environment.delenv("NOVACRON_FLEET", raising=False)
        yield Path(made)


@pytest.fixture(scope="session")
def backend(folders: Path) -> Iterator[Backend]:
    """A backend of the fleet that FLEET names, on the socket where the command line looks for it."""
    paths = paths_of(FleetOptions(simulated=True, simulated_hosts=HOSTS, simulated_vms=VMS // HOSTS).instance)
    make_private(paths.socket.parent)
    made: list[Any] = []

    async def serve() -> None:
        clock = SystemClock()
        world = world_of_fleet(hosts=HOSTS, vms=VMS, seed=1, clock=clock, hostile=True)
        service = BackendService(
            world.specs,
            SimulatedGateway(world),
            MemoryJournal(),
            clock,
            fleet_source="a hostile fleet",
            settings=EngineSettings(),
        )
        await service.start()
        server = ApiServer(service, paths.socket)
        made.extend([Backend(world=world, loop=asyncio.get_running_loop()), server])
        try:
            await server.serve()
        finally:
            await service.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    give_up_at = time.monotonic() + 10
    while not is_answering(paths.socket):
        assert thread.is_alive()
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    yield made[0]
    made[0].loop.call_soon_threadsafe(made[1].stop)
    thread.join(10)


@pytest.fixture
def novacron(backend: Backend) -> Command:
    """Run the command on the backend's fleet: novacron("vms", "--json")."""

    def command(*words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(app, [*FLEET, *words], input=typed, catch_exceptions=False)

    return command


@pytest.fixture
def bare_novacron(folders: Path) -> Command:
    """Run the command without saying which fleet is meant."""

    def command(*words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(app, list(words), input=typed, catch_exceptions=False)

    return command
