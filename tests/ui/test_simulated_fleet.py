"""The console over the real engine and the simulated fleet: keys in, the truth of the (virtual) hypervisors out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from novacron.adapters.simulated.gateway import SimulatedGateway
from novacron.adapters.simulated.population import world_of_fleet
from novacron.adapters.simulated.world import World
from novacron.engine.service import BackendService
from novacron.engine.settings import EngineSettings
from novacron_tui.app import NovaCronApp
from novacron_tui.present.glyphs import UNICODE
from tests.callers import ALICE
from tests.fake_clock import FakeClock
from tests.memory_journal import MemoryJournal
from tests.ui.operator import SMALL, Operator


@asynccontextmanager
async def _at_simulated_fleet(*, vms: int = 40) -> AsyncIterator[tuple[Operator, World, FakeClock]]:
    clock = FakeClock()
    world = world_of_fleet(hosts=4, vms=vms, clock=clock)
    service = BackendService(
        world.specs,
        SimulatedGateway(world),
        MemoryJournal(),
        clock,
        fleet_source="simulated",
        settings=EngineSettings(),
    )
    await service.start()
    app = NovaCronApp(service, caller=ALICE, title="simulated", now=clock.now, glyphs=UNICODE, guard_s=0)
    try:
        async with app.run_test(size=SMALL) as pilot:
            operator = Operator(app, pilot)
            await _let(operator, clock, 3)
            yield operator, world, clock
    finally:
        await service.stop()


async def _let(operator: Operator, clock: FakeClock, seconds: float) -> None:
    """Let virtual time pass, and the screen take notice."""
    for _ in range(round(seconds)):
        await clock.advance(1.0)
        operator.app.tick()
    await operator.settle()


async def _go_to(operator: Operator, words: str) -> str:
    await operator.press("slash")
    await operator.type(words)
    await operator.press("enter")
    return operator.app.screen.table.view.cursor_row.home.vm.name


async def test_a_vm_is_started_and_shown_running_once_the_hypervisor_says_so() -> None:
    async with _at_simulated_fleet() as (operator, _, clock):
        name = await _go_to(operator, "state:shut")
        await operator.press("escape")
        await _go_to(operator, f"name:={name}")
        assert "○ shut off" in operator.line_with(name)
        await operator.press("s")
        await _let(operator, clock, 6)
        assert "● running" in operator.line_with(name)
        operator.sees(f"✔ start {name}")


async def test_a_vm_is_migrated_live_from_the_keyboard() -> None:
    async with _at_simulated_fleet() as (operator, _, clock):
        name = await _go_to(operator, "state:running db")
        await operator.press("escape")
        await _go_to(operator, f"name:={name}")
        source = operator.app.screen.table.view.cursor_row.home.host.id
        await operator.press("m")
        await _let(operator, clock, 2)
        operator.sees(f"Migrate {name}", "✔ migrate")
        await operator.press("enter")
        await _let(operator, clock, 2)
        operator.sees("Touches")
        await operator.press("y")
        await _let(operator, clock, 3)
        assert "⇄ migrating" in operator.line_with(name)
        await operator.press("3", "enter")
        operator.sees("guest dirties", "iteration")
        await _let(operator, clock, 600)
        operator.sees("✔ done")
        await operator.press("escape", "1")
        assert source not in operator.line_with(name)
        assert "● running" in operator.line_with(name)


async def test_a_host_that_falls_silent_turns_its_rows_unknown_and_no_other() -> None:
    async with _at_simulated_fleet() as (operator, world, clock):
        name = await _go_to(operator, "state:running")
        host = operator.app.screen.table.view.cursor_row.home.host.id
        await operator.press("escape")
        world.host(host).faults.hangs = True
        await _let(operator, clock, 12)
        operator.sees("hosts 3/4", "1 down")
        await _go_to(operator, f"host:={host}")
        assert "? unknown" in operator.line_with(name)
        operator.sees_not("● running")
        world.host(host).faults.hangs = False
        await _let(operator, clock, 60)
        operator.sees("hosts 4/4", "● running")


async def test_the_guest_answers_on_its_serial_console() -> None:
    async with _at_simulated_fleet() as (operator, _, clock):
        await _go_to(operator, "state:running")
        await operator.press("c")
        await _let(operator, clock, 2)
        await operator.type("help")
        await operator.press("enter")
        await _let(operator, clock, 2)
        operator.sees("all keys go to the guest", "Linux")
        await operator.press("ctrl+right_square_bracket")
        operator.sees("NAME▲")
