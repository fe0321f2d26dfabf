"""From a key to an operation: form, preview, confirmation, submission; and the way to the other screens.

Nothing is done here that was not shown first, unless its plan says that it is harmless.
"""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from novacron.model.errors import BackendError, NovaCronError
from novacron.model.fleet import Host
from novacron.model.intent import Intent
from novacron.model.operation import Operation
from novacron.model.plan.plan import Danger, Plan
from novacron.model.refusal import Refusal
from novacron_tui import keys
from novacron_tui.commands.command import Act, Command, Context
from novacron_tui.commands.form import Form
from novacron_tui.commands.registry import COMMANDS
from novacron_tui.keys import Key, Where
from novacron_tui.present.cells import Role, span
from novacron_tui.present.confirm import Review
from novacron_tui.present.palette_lines import Entry

if TYPE_CHECKING:
    from novacron_tui.app import NovaCronApp

_AT_ONCE = 8
"""Previews asked for at the same time: each may ask two hypervisors."""
_ATTEMPTS = 5
_RETRY_S = 1.0


class Flow:
    """Carries commands out for one app."""

    def __init__(self, app: "NovaCronApp") -> None:
        self._app = app

    def run(self, command: Command, context: Context) -> None:
        """Do what a command means to its targets, or say why not."""
        reason = command.enabled(context)
        if reason is not None:
            self._app.say(span(f"{command.title}: {reason}", Role.WARNING))
        elif command.act is not None:
            self._act(command.act, command.allowed(context))
        else:
            self._app.spawn(self._carry_out(command, context), "flow")

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
        self._app.spawn(self._offer(":", _entries(where, context, danger=False), by_key=False), "palette")

    def open_danger(self, where: Where, context: Context) -> None:
        """Offer what can lose data or service."""
        entries = _entries(where, context, danger=True)
        if not entries:
            self._app.say(span("nothing here is dangerous", Role.DIM))
            return
        self._app.spawn(self._offer("danger", entries, by_key=True), "palette")

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

    async def _offer(self, title: str, entries: list[tuple[Entry, Key]], *, by_key: bool) -> None:
        from novacron_tui.screens.live import LiveScreen
        from novacron_tui.screens.palette import PaletteScreen

        chosen = await self._app.push_screen_wait(PaletteScreen(title, entries, by_key=by_key))
        screen = self._app.screen
        if chosen is not None and isinstance(screen, LiveScreen):
            await screen.press(chosen)

    async def _carry_out(self, command: Command, context: Context) -> None:
        intents = await self._intents(command, context)
        if intents is None:
            return
        plans = await self._decided(command, intents, command.left_out(context))
        if plans:
            # Not in the flow's own group: the next command must not cancel what was confirmed.
            self._app.run_worker(self._submit(plans, context), name="submit")

    async def _intents(self, command: Command, context: Context) -> tuple[Intent, ...] | None:
        targets = command.allowed(context)
        if command.form is None:
            assert command.intent is not None  # noqa: S101 - one of them is set
            return tuple(command.intent(target, context) for target in targets)
        from novacron_tui.screens.form import FormScreen

        form, wanted = command.form, targets or context.targets

        def as_of_now() -> Form:
            return form(wanted, replace(context, picture=self._app.picture, now=self._app.now()))

        return await self._app.push_screen_wait(FormScreen(as_of_now))

    async def _decided(self, command: Command, intents: Sequence[Intent], left_out: str) -> tuple[Plan, ...] | None:
        from novacron_tui.screens.confirm import ConfirmScreen

        review = None
        if not command.asks and command.form is None:
            self._app.say(span(f"{command.title}: asking ...", Role.DIM))
            answer = await self.review(intents)
            if isinstance(answer, str):
                self._app.say(span(answer, Role.CRITICAL))
                return None
            if answer.danger is Danger.NONE and not answer.refusals:
                return answer.plans
            review = answer
        return await self._app.push_screen_wait(ConfirmScreen(command.title, intents, review, left_out=left_out))

    async def _submit(self, plans: Sequence[Plan], context: Context) -> None:
        accepted: list[Operation] = []
        refused: list[Refusal] = []
        for plan in plans:
            answer = await self._submit_one(plan, context)
            if answer is None:
                return
            if isinstance(answer, Refusal):
                refused.append(answer)
            else:
                accepted.append(answer)
                self._app.mine.add(answer.id)
                self._app.latest_of_mine = answer.id
        if refused:
            from novacron_tui.screens.confirm import ConfirmScreen

            await self._app.push_screen_wait(ConfirmScreen("Refused", (), Review(refusals=tuple(refused))))
        if len(accepted) == 1:
            self._app.say(span(f"accepted: {accepted[0].title}", Role.GOOD))
        elif accepted:
            self._app.say(span(f"accepted: {len(accepted)} operations (3 shows them)", Role.GOOD))

    async def _submit_one(self, plan: Plan, context: Context) -> Operation | Refusal | None:
        """Submit with one key until the backend answers: asking twice makes one operation."""
        key = str(uuid.uuid4())
        revision = plan.fleet_revision or context.picture.fleet.revision
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._app.console_port.submit(plan.intent, seen_revision=revision, idempotency_key=key)
            except BackendError as error:
                if attempt == _ATTEMPTS:
                    text = f"{plan.title}: not known whether it was accepted ({error}); see operations"
                    self._app.say(span(text, Role.CRITICAL))
                else:
                    await asyncio.sleep(_RETRY_S)
            except NovaCronError as error:
                self._app.say(span(f"{plan.title}: {error}", Role.CRITICAL))
                return None
        return None

    def _act(self, act: Act, targets: Sequence[Any]) -> None:
        match act:
            case Act.SERIAL:
                from novacron_tui.screens.serial import SerialScreen

                self._app.push_screen(SerialScreen(targets[0]))
            case Act.XML:
                from novacron_tui.screens.xml import XmlScreen

                self._app.push_screen(XmlScreen(targets[0]))
            case Act.CANCEL:
                self._app.spawn(self._cancel(targets), "cancel")
            case Act.RECONNECT:
                self._app.spawn(self._reconnect(targets), "reconnect")
            case Act.SHOW_VMS:
                self._app.spawn(self._show_vms(targets[0]), "show")

    async def _cancel(self, operations: Sequence[Operation]) -> None:
        from novacron_tui.screens.cancel import CancelScreen

        if not await self._app.push_screen_wait(CancelScreen(operations)):
            return
        for operation in operations:
            try:
                answer = await self._app.console_port.cancel(operation.id)
            except NovaCronError as error:
                self._app.say(span(str(error), Role.CRITICAL))
                return
            if isinstance(answer, Refusal):
                self._app.say(span(str(answer), Role.WARNING))
            else:
                self._app.mine.add(operation.id)
                self._app.say(span(f"asked to stop: {operation.title}", Role.WARNING))

    async def _reconnect(self, hosts: Sequence[Host]) -> None:
        for host in hosts:
            try:
                await self._app.console_port.reconnect(host.id)
            except NovaCronError as error:
                self._app.say(span(str(error), Role.CRITICAL))
                return
        self._app.say(span(f"trying {', '.join(host.id for host in hosts)} again", Role.TEXT))

    async def _show_vms(self, host: Host) -> None:
        from novacron_tui.screens.fleet import FleetScreen

        while not isinstance(self._app.screen, FleetScreen):
            await self._app.pop_screen()
        await self._app.screen.show_vms_of(host.id)


def _entries(where: Where, context: Context, *, danger: bool) -> list[tuple[Entry, Key]]:
    """Return what has a key here, with why not."""
    found: dict[str, tuple[Entry, Key]] = {}
    for key in keys.keys_at(where):
        command = COMMANDS.get(key.id)
        if key.id in found or key.group == "Move" or (danger and not (command and command.danger)):
            continue
        reason = command.enabled(context) if command else None
        title = command.title if command else key.label.capitalize()
        name = keys.shown(key.keys[0])
        found[key.id] = (
            Entry(id=key.id, title=title, key=name, reason=reason or "", words=keys.ALIASES.get(key.id, "")),
            key,
        )
    return list(found.values())
