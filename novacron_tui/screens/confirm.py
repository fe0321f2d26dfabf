"""The confirm screen: opens at once, asks the hypervisors for the plan, and lets the operator decide."""

from collections.abc import Sequence

from textual import events

from novacron.model.operations.intent import Intent, with_word_for
from novacron.model.plan.plan import Danger, Plan
from novacron_tui.actions.preview import preview_all
from novacron_tui.present.cells import Line, Role, paragraph, span
from novacron_tui.present.confirm import Review, button_line, cost_lines, review_lines, typed_lines, vouch_lines
from novacron_tui.present.line_edit import LineEdit
from novacron_tui.screens.box import BoxScreen


class ConfirmScreen(BoxScreen[tuple[Plan, ...] | None]):
    """Dismisses with the plans to be carried out, or None."""

    def __init__(
        self, title: str, intents: Sequence[Intent], review: Review | None = None, *, left_out: str = ""
    ) -> None:
        super().__init__()
        self._heading = title
        self._intents = intents
        self._review = review
        self._typed = LineEdit()
        self._on_yes = review is not None and not review.is_final
        self._left_out = left_out
        self._error = ""
        self._answered = 0
        self._vouching = False

    def on_mount(self) -> None:
        """Ask for the plans."""
        if self._review is None:
            self.run_worker(self._ask(), name="preview")

    def lines(self, width: int) -> Sequence[Line]:
        """Say what would be done."""
        glyphs = self.desk.glyphs
        if self._error:
            return paragraph(self._error, width - 1, Role.CRITICAL, indent=1)
        if self._review is None:
            asked = f" asking the hosts ... {self._answered} of {len(self._intents)}"
            return [(span(f" {self._heading}", Role.STRONG),), (), (span(asked, Role.DIM),)]
        return review_lines(self._review, width, glyphs)

    def tail(self, width: int) -> Sequence[Line]:
        """Say what it costs, and ask."""
        if self._review is None:
            return [(), _CLOSE] if self._error else []
        if self._vouching:
            return [(), *vouch_lines(self._review.vouch_for, self._typed, width)]
        if not self._review.plans:
            return [(), _VOUCH if self._review.vouch_for else _CLOSE]
        lines = [*cost_lines(self._review, width, self.desk.glyphs, self._left_out), ()]
        if self._review.danger is Danger.TYPE_NAME:
            return [*lines, *typed_lines(self._review.word, self._typed, width)]
        return [*lines, button_line(yes_first=not self._review.is_final, on_yes=self._on_yes)]

    async def pressed(self, event: events.Key) -> None:
        """Decide. A key pressed before the plan is there, or with it, decides nothing."""
        review = self._review
        if event.key == "escape":
            self.leave_with(None)
        elif review is not None and self._vouching:
            self._type_hosts(event, review)
        elif not self.desk.input_guard.accepts_keys and not (review and review.danger is Danger.TYPE_NAME):
            return
        elif review is None or not review.plans:
            if review is not None and review.vouch_for and event.key == "V":
                self._vouching = True
                self.update()
            elif self._error or review is not None:
                self._leave(event)
        elif review.danger is Danger.TYPE_NAME:
            self._type(event, review)
        else:
            self._choose(event, review)

    def receive_paste(self, text: str) -> None:
        """Take a pasted name as typed, but never as enter."""
        self._typed = self._typed.insert(text)
        self.update()

    def _leave(self, event: events.Key) -> None:
        if event.key in {"enter", "q", "n"}:
            self.leave_with(None)

    def _type(self, event: events.Key, review: Review) -> None:
        if event.key == "enter":
            if self._typed.text.strip() == review.word:
                self.leave_with(review.plans)
            return
        edited = self._typed.press(event.key, event.character)
        if edited is not None:
            self._typed = edited
            self.update()

    def _type_hosts(self, event: events.Key, review: Review) -> None:
        """Take the typed names of the hosts that are vouched for, and ask for the plans again with them."""
        if event.key == "enter":
            if self._typed.text.split() == list(review.vouch_for):
                self._intents = [with_word_for(intent, review.vouch_for) for intent in self._intents]
                self._review, self._vouching, self._typed, self._answered = None, False, LineEdit(), 0
                self.run_worker(self._ask(), name="preview")
                self.update()
            return
        edited = self._typed.press(event.key, event.character)
        if edited is not None:
            self._typed = edited
            self.update()

    def _choose(self, event: events.Key, review: Review) -> None:
        if event.key == "y" or (event.key == "enter" and self._on_yes):
            self.leave_with(review.plans)
        elif event.key in {"n", "q", "enter"}:
            self.leave_with(None)
        elif event.key in {"tab", "shift+tab", "left", "right", "h", "l"}:
            self._on_yes = not self._on_yes
            self.update()
        else:
            self.refuse_key(event)

    def _count_answer(self) -> None:
        """Count an answer, for who waits for many."""
        self._answered += 1
        if self._answered % 25 == 0:
            self.update()

    async def _ask(self) -> None:
        answer = await preview_all(self.desk.backend, self.desk.caller, self._intents, self._count_answer)
        self.desk.input_guard.ignore_keys()
        if isinstance(answer, str):
            self._error = answer
        elif answer.plans and not answer.refusals and answer.danger is Danger.NONE:
            self.leave_with(answer.plans)
            return
        else:
            self._review = answer
            self._on_yes = not answer.is_final
        self.update()


_CLOSE: Line = (span(" esc", Role.KEY), span(" leaves it", Role.DIM))
_VOUCH: Line = (
    span(" V", Role.KEY),
    span(" vouches for hosts that cannot be asked   ", Role.DIM),
    span("esc", Role.KEY),
    span(" leaves it", Role.DIM),
)
