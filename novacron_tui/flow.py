"""From a key to an operation: form, preview, confirmation, submission; and the way to the other screens.

Nothing is done here that was not shown first, but to one VM or pool what its plan calls harmless and reversible, and
warns of nothing: commands.registry.at_once names those commands.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from novacron.model.errors import NovaCronError
from novacron.model.fleet import Host
from novacron.model.operation import Operation
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Danger, Plan, Undo
from novacron.model.refusal import Refusal
from novacron_tui import keys
from novacron_tui.commands.command import Act, Command, Context
from novacron_tui.commands.form import Form
from novacron_tui.commands.registry import COMMANDS
from novacron_tui.keys import Key, Where
from novacron_tui.present.cells import Line, Role, line_width, span
from novacron_tui.present.confirm import Review
from novacron_tui.present.palette_lines import Entry
from novacron_tui.present.picture import PoolRow

if TYPE_CHECKING:
    from textual.screen import Screen

    from novacron_tui.app import NovaCronApp
    from novacron_tui.handover import Handover
    from novacron_tui.screens.fleet import FleetScreen

_AT_ONCE = 8
"""Previews asked for at the same time: each may ask two hypervisors."""
MakeForm = Callable[[Sequence[Any], Context], Form]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an operator wants done, and the screen on which he said so."""

    command: Command
    intents: tuple[Intent, ...]
    left_out: str
    origin: "Screen[Any]"


class Flow:
    """Carries commands out for one app."""

    def __init__(self, app: "NovaCronApp") -> None:
        self._app = app
        self.handovers: frozenset[Handover] = frozenset()
        """What was confirmed and the backend has not answered yet."""

    def run(self, command: Command, context: Context) -> None:
        """Do what a command means to its targets, or say why not.

        What asks something of the operator does so at once: the next key is meant for it.
        """
        reason = command.enabled(context)
        if reason is not None:
            self._app.say(span(f"{command.title}: {reason}", Role.WARNING))
        elif command.act is not None:
            self._act(command.act, command.allowed(context))
        elif command.form is not None:
            self._fill_in(command, command.form, context)
        else:
            assert command.intent is not None  # noqa: S101 - one of them is set
            intents = tuple(command.intent(target, context) for target in command.allowed(context))
            asked = _Asked(command, intents, command.left_out(context), self._app.screen)
            if command.asks:
                self._confirm(asked)
            else:
                self._app.spawn(self._look(asked), "preview")

    async def review(self, intents: Sequence[Intent], heard: Callable[[], None] = lambda: None) -> Review | str:
        """Ask for the plan of each intent, and tell of each answer; a text when the backend cannot be asked."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def preview(intent: Intent) -> Plan | Refusal:
            async with gate:
                answer = await self._app.console_port.preview(intent)
            heard()
            return answer

        try:
            answers = await asyncio.gather(*(preview(intent) for intent in intents))
        except NovaCronError as error:
            return str(error)
        return Review(
            plans=tuple(answer for answer in answers if isinstance(answer, Plan)),
            refusals=tuple(answer for answer in answers if isinstance(answer, Refusal)),
        )

    def open_palette(self, where: Where, context: Context) -> None:
        """Offer everything that has a key here."""
        self._offer(":", _entries(where, context, danger=False), by_key=False)

    def open_danger(self, where: Where, context: Context) -> None:
        """Offer what can lose data or service."""
        entries = _entries(where, context, danger=True)
        if not entries:
            self._app.say(span("nothing here is dangerous", Role.DIM))
            return
        self._offer("danger", entries, by_key=True)

    def open_help(self, where: Where) -> None:
        """Show the keys."""
        from novacron_tui.screens.help import HelpScreen

        self._app.push_screen(HelpScreen(where))

    def open_detail(self, row: Any) -> None:  # noqa: ANN401 - a row of any pane
        """Open the screen of one thing."""
        from novacron_tui.screens.detail import screen_for

        screen = screen_for(row)
        if screen is not None:
            self._app.push_screen(screen)

    def open_whole(self, texts: Sequence[tuple[str, Line]], *, is_row: bool) -> None:
        """Show in full what is cut on a screen; of a row also the columns that have no room."""
        from novacron_tui.screens.whole import WholeScreen

        if any(line_width(line) > self._app.size.width for _, line in texts) or is_row:
            self._app.push_screen(WholeScreen(texts))
        else:
            self._app.say(span("nothing is cut here", Role.DIM))

    def open_fullest(self, pool: PoolRow) -> None:
        """Open the volumes of a pool, the largest first."""
        from novacron_tui.screens.pool import PoolScreen

        self._app.push_screen(PoolScreen(pool, largest_first=True))

    async def show_pane(self, pane: str) -> None:
        """Go to a pane by the identifier of its key, from whichever screen stands before it."""
        await (await self._fleet_screen()).show_pane_of(pane)

    def _offer(self, title: str, entries: list[tuple[Entry, Key]], *, by_key: bool) -> None:
        from novacron_tui.screens.live import LiveScreen
        from novacron_tui.screens.palette import PaletteScreen

        async def press(chosen: Key | None) -> None:
            if chosen is not None and isinstance(self._app.screen, LiveScreen):
                await self._app.screen.press(chosen)

        self._app.push_screen(PaletteScreen(title, entries, by_key=by_key), press)

    def _fill_in(self, command: Command, form: MakeForm, context: Context) -> None:
        from novacron_tui.screens.form import FormScreen

        wanted = command.allowed(context) or context.targets
        origin = self._app.screen

        def as_of_now() -> Form:
            return form(wanted, replace(context, picture=self._app.picture, now=self._app.now()))

        def fill_in(screen: FormScreen) -> None:
            def filled_in(intents: tuple[Intent, ...] | None) -> None:
                if intents is not None:
                    asked = _Asked(command, intents, command.left_out(context), origin)
                    self._confirm(asked, declined=lambda: fill_in(FormScreen(as_of_now, screen.filled)))

            self._app.push_screen(screen, filled_in)

        fill_in(FormScreen(as_of_now))

    def _confirm(
        self, asked: "_Asked", review: Review | None = None, declined: Callable[[], None] = lambda: None
    ) -> None:
        from novacron_tui.screens.confirm import ConfirmScreen

        def decided(plans: tuple[Plan, ...] | None) -> None:
            if plans:
                self._hand_over(asked, plans)
            else:
                declined()

        self._app.put_question(
            ConfirmScreen(asked.command.title, asked.intents, review, left_out=asked.left_out), decided
        )

    async def _look(self, asked: "_Asked") -> None:
        """Have it done when the plan says that it is harmless; else ask, where that is still what is looked at."""
        title = asked.command.title
        self._app.say(span(f"{title}: asking ...", Role.DIM))
        answer = await self.review(asked.intents)
        if isinstance(answer, str):
            self._app.tell(f"{title}: not done: {answer}")
        elif _acts_at_once(answer):
            self._hand_over(asked, answer.plans)
        elif self._app.screen is asked.origin:
            self._app.say()
            self._confirm(asked, answer)
        elif answer.refusals:
            self._app.tell(f"{title}: not done, to nothing of it: {answer.refusals[0]}")
        else:
            self._app.tell(f"{title}: not done: it needs a yes; press its key again")

    def _hand_over(self, asked: "_Asked", plans: Sequence[Plan]) -> None:
        from novacron_tui.handover import Handover

        handover = Handover(self._app, plans, origin=asked.origin, left_out=asked.left_out)
        self.handovers |= {handover}

        async def run() -> None:
            try:
                await handover.run()
            finally:
                self.handovers -= {handover}

        self._app.spawn(run(), "handover")

    def _act(self, act: Act, targets: Sequence[Any]) -> None:
        match act:
            case Act.SERIAL:
                from novacron_tui.screens.serial import SerialScreen

                self._app.push_screen(SerialScreen(targets[0]))
            case Act.XML:
                from novacron_tui.screens.xml import XmlScreen

                self._app.push_screen(XmlScreen(targets[0]))
            case Act.CANCEL:
                self._ask_to_cancel(targets)
            case Act.ACKNOWLEDGE:
                self._ask_for_note(targets[0])
            case Act.RECONNECT:
                self._app.spawn(self._reconnect(targets), "reconnect")
            case Act.SHOW_VMS:
                from novacron_tui.screens.fleet import FleetScreen

                is_detail = not isinstance(self._app.screen, FleetScreen)
                self._app.spawn(self._show_vms(targets[0], is_detail=is_detail), "show")

    def _ask_to_cancel(self, operations: Sequence[Operation]) -> None:
        from novacron_tui.screens.cancel import CancelScreen

        def decided(yes: bool | None) -> None:
            if yes:
                self._app.spawn(self._cancel(operations), "cancel")

        self._app.put_question(CancelScreen(operations), decided)

    async def _cancel(self, operations: Sequence[Operation]) -> None:
        for operation in operations:
            try:
                answer = await self._app.console_port.cancel(operation.id)
            except NovaCronError as error:
                self._app.tell(f"not known whether it was asked to stop: {operation.title}: {error}")
                continue
            if isinstance(answer, Refusal):
                self._app.tell(str(answer))
            else:
                self._app.errands.begin(operation.id)
                self._app.say(span(f"asked to stop: {operation.title}", Role.WARNING))

    def _ask_for_note(self, operation: Operation) -> None:
        from novacron_tui.screens.acknowledge import AcknowledgeScreen

        def decided(note: str | None) -> None:
            if note:
                self._app.spawn(_acknowledge(self._app, operation, note), "acknowledge")

        self._app.put_question(AcknowledgeScreen(operation), decided)

    async def _reconnect(self, hosts: Sequence[Host]) -> None:
        tried = []
        for host in hosts:
            try:
                await self._app.console_port.reconnect(host.id)
                tried.append(host.id)
            except NovaCronError as error:
                self._app.tell(f"{host.id}: {error}")
        if tried:
            self._app.say(span(f"trying {', '.join(tried)} again", Role.TEXT))

    async def _show_vms(self, host: Host, *, is_detail: bool) -> None:
        await (await self._fleet_screen()).show_vms_of(host.id, is_detail=is_detail)

    async def _fleet_screen(self) -> "FleetScreen":
        """Leave the screens that stand before the fleet."""
        from novacron_tui.screens.fleet import FleetScreen

        while not isinstance(self._app.screen, FleetScreen):
            await self._app.pop_screen()
        return self._app.screen


def _acts_at_once(review: Review) -> bool:
    """Tell whether nothing is shown first: one plan that is harmless, can be taken back, and warns of nothing."""
    if review.refusals or len(review.plans) != 1:
        return False
    plan = review.plans[0]
    return plan.danger is Danger.NONE and plan.undo is not Undo.NEVER and not plan.warnings


def _entries(where: Where, context: Context, *, danger: bool) -> list[tuple[Entry, Key]]:
    """Return what has a key here, with why not."""
    found: dict[str, tuple[Entry, Key]] = {}
    for key in keys.keys_at(where):
        command = COMMANDS.get(key.id)
        if key.id in found or key.group == "Move" or (danger and not (command and command.danger)):
            continue
        reason = command.enabled(context) if command else None
        title = command.title if command else key.label[:1].upper() + key.label[1:]
        name = keys.shown(key.keys[0])
        found[key.id] = (
            Entry(id=key.id, title=title, key=name, reason=reason or "", words=keys.ALIASES.get(key.id, "")),
            key,
        )
    return list(found.values())


async def _acknowledge(app: "NovaCronApp", operation: Operation, note: str) -> None:
    try:
        answer = await app.console_port.acknowledge(operation.id, note=note)
    except NovaCronError as error:
        app.tell(f"not known whether it was acknowledged: {operation.title}: {error}")
        return
    if isinstance(answer, Refusal):
        app.tell(str(answer))
    else:
        app.say(span(f"acknowledged: {operation.title}", Role.TEXT))
