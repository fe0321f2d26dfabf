"""A VM's serial console: every key goes to the guest, but the one that leaves."""

import asyncio
from collections.abc import Iterable

from textual import events
from textual.widget import Widget

from novacron.model.errors import Conflict, NovaCronError
from novacron.model.fleet import FleetVm
from novacron.ports.hypervisor import SerialLink
from novacron_tui.input_guard import InputGuard
from novacron_tui.present.cells import Line, Role, span
from novacron_tui.screens.live import LiveScreen
from novacron_tui.widgets.serial_terminal import DETACH, SerialTerminal

_PAUSE = 3.0
"""Factor of the usual time that keys are ignored: people pause between words."""


class SerialScreen(LiveScreen):
    """Opens the console when shown and closes it when left."""

    ways_out = frozenset({DETACH})

    def __init__(self, vm: FleetVm) -> None:
        super().__init__()
        self._guard = InputGuard()
        self._vm = vm
        self._terminal = SerialTerminal(self._send)
        self._link: SerialLink | None = None
        self._state: Line = (span(" opening ...", Role.DIM),)
        self._is_opening = False
        self._taken = False
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()

    def body(self) -> Iterable[Widget]:
        """Mount the guest's screen."""
        yield self._terminal

    def title_line(self, width: int) -> Line:
        """Say whose console this is, and how to leave it."""
        home = self._vm.home
        return (
            span(" Console ", Role.DIM),
            span(home.vm.name, Role.STRONG),
            span(f" on {home.host.id}   ", Role.DIM),
            span("ctrl+]", Role.KEY),
            span(" leaves", Role.DIM),
        )

    def status_line(self) -> Line:
        """Say whether the console is open."""
        return self._state

    def footer_keys(self) -> list[tuple[str, str]]:
        """Name the keys that are not the guest's."""
        if not self._can_open:
            return []
        return [("enter", "open again"), *([("F", "take it away")] if self._taken else [])]

    def standing_keys(self) -> list[tuple[str, str]]:
        """Name the one key that always leaves."""
        return [("ctrl+]", "leave")]

    def draw(self) -> None:
        """Follow the VM to where it is now: that host is asked when the console is opened again."""
        self._vm = self.desk.state.fleet.find_vm(self._vm.id) or self._vm

    def on_mount(self) -> None:
        """Open the console."""
        self._guard = InputGuard(self.desk.input_guard.seconds)
        self._open(force=False)

    async def on_unmount(self) -> None:
        """Let go of it."""
        if self._link is not None:
            await self._link.close()

    def receive_paste(self, text: str) -> None:
        """Paste into the guest."""
        self._send(text.encode("utf-8", "replace"))

    async def type(self, event: events.Key) -> bool:
        """Send a key to the guest; once the line has ended, open it again, take it away, or leave.

        Who types when it ends goes on typing: the rest of the sentence is nobody's, until there is a pause.
        """
        if event.key == DETACH:
            self.leave()
        elif self._link is not None:
            self._send(self._terminal.sent_for(event.key, event.character))
        elif not self._guard.accepts_keys:
            self._guard.ignore_keys(_PAUSE)
        elif event.key in {"escape", "q"}:
            self.leave()
        elif event.key == "enter" and self._can_open:
            self._open(force=False)
        elif event.character == "F" and self._can_open and self._taken:
            self._open(force=True)
        return True

    @property
    def _can_open(self) -> bool:
        """Whether there is no line, nor one on its way: opening it twice would find it taken, by ourselves."""
        return self._link is None and not self._is_opening

    def _open(self, *, force: bool) -> None:
        self._is_opening = True
        self._guard.ignore_keys(_PAUSE)
        self._state = (span(" opening ...", Role.DIM),)
        self.update_frame()
        self.run_worker(self._converse(force=force), group="serial", exclusive=True)

    def _send(self, data: bytes) -> None:
        if data and self._link is not None:
            self._outbox.put_nowait(data)

    async def _converse(self, *, force: bool) -> None:
        desk, home = self.desk, self._vm.home
        try:
            link = await desk.backend.open_serial(desk.caller, self._vm.id, home.host.id, force=force)
        except NovaCronError as error:
            self._taken = isinstance(error, Conflict)
            self._ended(str(error))
            return
        finally:
            self._is_opening = False
        self._link, self._taken, self._outbox = link, False, asyncio.Queue()
        self._state = (span(" open", Role.GOOD), span("  all keys go to the guest", Role.DIM))
        self.update_frame()
        writer = asyncio.create_task(self._write(link), name="serial-writer")
        cause = "the console was closed at the other end"
        try:
            while data := await link.read():
                self._terminal.feed(data)
                # A guest that never stops talking must not keep keys from being heard.
                await asyncio.sleep(0)
        except NovaCronError as error:
            cause = str(error)
        finally:
            writer.cancel()
            self._link = None
            await link.close()
        self._ended(cause)

    async def _write(self, link: SerialLink) -> None:
        try:
            while True:
                await link.write(await self._outbox.get())
        except NovaCronError as error:
            self._state = (span(f" not sent: {error}", Role.CRITICAL),)
            self.update_frame()

    def _ended(self, cause: str) -> None:
        self._guard.ignore_keys(_PAUSE)
        self._state = (span(f" {cause}", Role.WARNING),)
        if self.is_attached:
            self.update_frame()
