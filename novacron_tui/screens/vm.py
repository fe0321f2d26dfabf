"""One VM: state, plots of the last minutes, disks, interfaces, operations."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from novacron.model.errors import NovaCronError
from novacron.model.fleet import FleetVm
from novacron.model.sample import VmSample
from novacron_tui.commands.command import Target
from novacron_tui.keys import KeyScope
from novacron_tui.present.cells import Line, Role, span
from novacron_tui.present.console_state import absence, alerts_of, operations_of
from novacron_tui.present.off_facts import off_lines
from novacron_tui.present.vm_detail import vm_head, vm_rest
from novacron_tui.screens.reading import ReadingScreen

_PLOT_STEP = timedelta(seconds=2)
"""Plots are drawn anew no more often: one costs as much as the rest of the screen."""


class VmScreen(ReadingScreen):
    """Follows one VM by UUID, wherever it goes."""

    key_scope = KeyScope.VM

    def __init__(self, vm: FleetVm) -> None:
        super().__init__()
        self._vm = vm
        self._gone = False
        self._samples: tuple[VmSample, ...] = ()
        self._sampled_at: datetime | None = None
        self._plots: tuple[int, datetime, list[Line]] | None = None

    def title_line(self, width: int) -> Line:
        """Name it."""
        gone = absence(self.desk.state.fleet) if self._gone else span("")
        return (span(" VM ", Role.DIM), span(self._vm.home.vm.name, Role.STRONG), gone)

    def targets(self) -> tuple[Target, ...]:
        """Return the VM, and what is under way on it."""
        operation = self.desk.state.busy.get(self._vm.id)
        vm: tuple[Target, ...] = () if self._gone else (self._vm,)
        return (*vm, operation) if operation is not None else vm

    def draw(self) -> None:
        """Follow the VM, and ask for its samples when there is a newer reading."""
        found = self.desk.state.fleet.find_vm(self._vm.id)
        self._gone = found is None
        self._vm = found or self._vm
        reading = self._vm.home.host.reading
        read_at = reading.observed_at if reading else None
        if read_at != self._sampled_at:
            self._sampled_at = read_at
            self.run_worker(self._sample(), group="samples", exclusive=True)
        super().draw()

    def on_mount(self) -> None:
        """Draw what is known at once."""
        self.draw()

    async def _sample(self) -> None:
        try:
            self._samples = await self.desk.backend.samples(self.desk.caller, self._vm.id)
        except NovaCronError:
            return  # The plots stay as they are; the header says that the backend is lost.
        self._plots = None
        self.text.update()

    def read(self, width: int) -> Sequence[Line]:
        """Describe the VM."""
        desk = self.desk
        context = desk.cell_context
        operations = operations_of(desk.state, self._vm.id)
        lines = [*vm_head(self._vm, alerts_of(desk.state, self._vm.id), context, width), ()]
        # Without a process there is no load: the facts stand where the plots would.
        has_load = self._vm.home.vm.is_active
        lines += self._plot_lines(width) if has_load else off_lines(self._vm, operations, context, width)
        lines.append(())
        return [*lines, *vm_rest(self._vm, operations, context, width)]

    def _plot_lines(self, width: int) -> list[Line]:
        latest = self._samples[-1].observed_at if self._samples else None
        desk, current = self.desk, self._vm.home.is_current
        # Of a silent host the last sample is not now: the gap since then is drawn, and grows.
        end = latest if current and latest is not None else desk.now()
        if self._plots is None or self._plots[0] != width or abs(end - self._plots[1]) >= _PLOT_STEP:
            from novacron_tui.widgets.plots import usage_plots

            drawn = usage_plots(self._samples, end, width, desk.glyphs, current=current)
            self._plots = (width, end, drawn)
        return self._plots[2]
