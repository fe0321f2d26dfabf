"""From a command to an operation: form, preview, confirmation, submission.

Nothing is done here that was not shown first, but to one VM or pool what its plan calls harmless and reversible, and
warns of nothing: commands.registry.at_once names those commands.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from textual.screen import Screen

from novacron.model.operation import Operation
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron_tui.actions.acknowledge import acknowledge
from novacron_tui.actions.cancel import cancel
from novacron_tui.actions.preview import acts_at_once, preview_all
from novacron_tui.actions.reconnect import reconnect
from novacron_tui.actions.submit import Submission
from novacron_tui.commands.command import Act, Command, Context
from novacron_tui.commands.form import Form
from novacron_tui.desk import Desk
from novacron_tui.present.cells import Role, span
from novacron_tui.present.confirm import Review

_READING: Final = frozenset({Act.SERIAL, Act.XML, Act.RECONNECT, Act.SHOW_VMS})
"""What a backend does that runs no operations."""
_MakeForm = Callable[[Sequence[Any], Context], Form]


@dataclass(frozen=True, slots=True)
class _Request:
    """What an operator wants done, and the screen on which it was asked for."""

    command: Command
    intents: tuple[Intent, ...]
    left_out: str
    """Which of the selected targets are left out, and why; empty: none."""
    origin: Screen[Any]


class CommandRunner:
    """Carries commands out for one console."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.submissions: frozenset[Submission] = frozenset()
        """What was confirmed and the backend has not answered yet."""

    def run(self, command: Command, context: Context) -> None:
        """Do what a command means to its targets, or say why not.

        What asks something of the operator does so at once: the next key is meant for it.
        """
        reason = command.enabled(context) or self._standby(command)
        if reason is not None:
            self._desk.say(span(f"{command.title}: {reason}", Role.WARNING))
        elif command.act is not None:
            self._act(command.act, command.allowed(context))
        elif command.form is not None:
            self._fill_in(command, command.form, context)
        else:
            assert command.intent is not None  # noqa: S101 - one of them is set
            intents = tuple(command.intent(target, context) for target in command.allowed(context))
            request = _Request(command, intents, command.left_out(context), self._desk.screen)
            if command.asks:
                self._confirm(request)
            else:
                self._desk.spawn(self._preview(request), "preview")

    def _standby(self, command: Command) -> str | None:
        """Return why nothing is changed from here, or None: another backend on this journal runs the operations."""
        runs = self._desk.state.operations_run_by
        if not runs or command.act in _READING:
            return None
        return f"{runs} runs operations: ask there; this one shows them, and takes over when that one ends"

    def _fill_in(self, command: Command, form: _MakeForm, context: Context) -> None:
        wanted = command.allowed(context) or context.targets
        origin = self._desk.screen

        def as_of_now() -> Form:
            return form(wanted, replace(context, state=self._desk.state, now=self._desk.now()))

        def filled_in(intents: tuple[Intent, ...], reopen: Callable[[], None]) -> None:
            self._confirm(_Request(command, intents, command.left_out(context), origin), declined=reopen)

        self._desk.navigator.fill_in(as_of_now, filled_in)

    def _confirm(
        self, request: _Request, review: Review | None = None, declined: Callable[[], None] = lambda: None
    ) -> None:
        def decided(plans: tuple[Plan, ...] | None) -> None:
            if plans:
                self._submit(request, plans)
            else:
                declined()

        self._desk.navigator.confirm(
            request.command.title, request.intents, decided, review=review, left_out=request.left_out
        )

    async def _preview(self, request: _Request) -> None:
        """Submit a plan that is harmless; else ask, unless another screen has been opened since."""
        title = request.command.title
        self._desk.say(span(f"{title}: asking ...", Role.DIM))
        answer = await preview_all(self._desk.backend, self._desk.caller, request.intents)
        if isinstance(answer, str):
            self._desk.tell(f"{title}: not done: {answer}")
        elif acts_at_once(answer):
            self._submit(request, answer.plans)
        elif self._desk.screen is request.origin:
            self._desk.say()
            self._confirm(request, answer)
        elif answer.refusals:
            self._desk.tell(f"{title}: not done, to nothing of it: {answer.refusals[0]}")
        else:
            self._desk.tell(f"{title}: not done: it needs a yes; press its key again")

    def _submit(self, request: _Request, plans: Sequence[Plan]) -> None:
        submission = Submission(self._desk, plans, left_out=request.left_out)
        self.submissions |= {submission}

        async def run() -> None:
            try:
                refused = await submission.run()
                if refused:
                    self._show_refusals(request, refused)
            finally:
                self.submissions -= {submission}

        self._desk.spawn(run(), "submit")

    def _show_refusals(self, request: _Request, refused: tuple[Refusal, ...]) -> None:
        """Open a box on the screen they were asked for on; over any other it would take keys meant for that one."""
        if self._desk.screen is request.origin:
            self._desk.navigator.confirm("Refused", (), lambda _: None, review=Review(refusals=refused))
            return
        for refusal in refused:
            self._desk.tell(str(refusal))

    def _act(self, act: Act, targets: Sequence[Any]) -> None:
        desk = self._desk
        match act:
            case Act.SERIAL:
                desk.navigator.open_serial(targets[0])
            case Act.XML:
                desk.navigator.open_xml(targets[0])
            case Act.CANCEL:
                desk.navigator.confirm_cancel(targets, lambda: desk.spawn(cancel(desk, targets), "cancel"))
            case Act.ACKNOWLEDGE:
                self._ask_for_note(targets[0])
            case Act.RECONNECT:
                desk.spawn(reconnect(desk, targets), "reconnect")
            case Act.SHOW_VMS:
                desk.navigator.show_vms_of(targets[0])

    def _ask_for_note(self, operation: Operation) -> None:
        desk = self._desk
        desk.navigator.ask_for_note(
            operation, lambda note: desk.spawn(acknowledge(desk, operation, note), "acknowledge")
        )
