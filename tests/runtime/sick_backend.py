"""A backend process over sixty simulated hosts on the real clock: `sick_backend.py SOCKET`.

Lines on its input: `ill` makes every fourth host hang, vanish or answer after 30 s, five of each; `well` heals them.
"""

import asyncio
import random
import sys
from pathlib import Path

from novacron.adapters.simulated.gateway import SimulatedGateway
from novacron.adapters.simulated.population import world_of_fleet
from novacron.adapters.simulated.world import World
from novacron.api.server import ApiServer
from novacron.engine.clock import SystemClock
from novacron.engine.service import BackendService
from novacron.engine.settings import EngineSettings
from tests.memory_journal import MemoryJournal

HOSTS, VMS = 60, 600


def sick_names(names: list[str]) -> list[str]:
    """Return which of the hosts fall ill."""
    return names[::4]


async def serve(socket: Path) -> None:
    """Serve with the product's own settings until the input ends."""
    clock = SystemClock()
    world = world_of_fleet(hosts=HOSTS, vms=VMS, clock=clock)
    service = BackendService(
        world.specs,
        SimulatedGateway(world),
        MemoryJournal(),
        clock,
        fleet_source="60 simulated hosts",
        settings=EngineSettings(),
        rng=random.Random(1),  # noqa: S311 - the same jitter at every run
    )
    server = ApiServer(service, socket)
    await service.start()
    obeying = asyncio.create_task(_obey(world, server))
    await server.serve(lambda: print("serving", flush=True))
    await obeying
    await service.stop()


async def _obey(world: World, server: ApiServer) -> None:
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    names = sick_names([spec.id for spec in world.specs])
    while order := await orders.readline():
        for number, name in enumerate(names):
            if order == b"well\n":
                world.heal(name)
            else:
                (world.hang, world.black_hole, lambda host: world.slow(host, 30.0))[number // 5](name)
        print("done", flush=True)
    server.stop()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
