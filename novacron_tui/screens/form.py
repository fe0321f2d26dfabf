"""The form screen: fields, a preview of each option, and what the hosts say to the whole while it is filled in."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from textual import events

from novacron.model.operations.intent import Intent
from novacron.model.refusal import Refusal
from novacron_tui.actions.preview import preview_all
from novacron_tui.commands.form import Form
from novacron_tui.present.cells import Line, paragraph
from novacron_tui.present.form_fields import Field, FieldKind
from novacron_tui.present.form_lines import FormAnswer, FormView, OptionPreview, answer_lines, form_lines, holds
from novacron_tui.present.line_edit import LineEdit
from novacron_tui.screens.box import BoxScreen

_LONGEST_SOUGHT = 24
_OPTIONS_PREVIEWED = 12
"""More destinations than this are previewed only when they are chosen: a preview asks real hypervisors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What has been filled into a form."""

    edits: Mapping[str, LineEdit]
    chosen: frozenset[str]
    """The fields that the operator has filled in; the rest is what was offered."""
    at: int
    """Index of the field under the cursor."""


class FormScreen(BoxScreen[tuple[Intent, ...] | None]):
    """Dismisses with the intents, or None. It begins with what is `filled` in already; None: with what is offered."""

    def __init__(self, as_of_now: Callable[[], Form], filled: Filled | None = None) -> None:
        super().__init__()
        self._as_of_now = as_of_now
        self._form = as_of_now()
        self._edits: dict[str, LineEdit] = dict(filled.edits) if filled else {}
        self._at = filled.at if filled else 0
        self._sought = ""
        self._option_previews: dict[str, OptionPreview] = {}
        self._answer: FormAnswer = ""
        self._asked: tuple[Intent, ...] = ()
        self._chosen: set[str] = set(filled.chosen) if filled else set()
        """Fields the operator has filled in: their values are never changed for him."""
        self._fields: tuple[Field, ...] = ()
        self._fields = self._settle_fields(kept=self._chosen)

    @property
    def filled(self) -> Filled:
        """What is filled in, for another screen of the same form."""
        return Filled(edits=dict(self._edits), chosen=frozenset(self._chosen), at=self._at)

    def on_mount(self) -> None:
        """Ask about what is filled in already."""
        self._changed()
        self._preview_options_again()

    @property
    def values(self) -> dict[str, str]:
        """The text in each field."""
        return {name: edit.text for name, edit in self._edits.items()}

    def lines(self, width: int) -> Sequence[Line]:
        """Draw the form."""
        return form_lines(self._view, width, self.desk.glyphs)

    def tail(self, width: int) -> Sequence[Line]:
        """Say what the hosts say to it."""
        return answer_lines(self._view, width, self.desk.glyphs, max(2, self.most_lines // 3))

    def line_of_cursor(self, width: int) -> int | None:
        """Keep the field that is filled in on screen, and its options."""
        return len(paragraph(self._form.title, width - 1)) + 1 + self._at

    @property
    def _view(self) -> FormView:
        return FormView(
            title=self._form.title,
            fields=self._fields,
            edits=self._edits,
            at=self._at,
            option_previews=self._option_previews,
            answer=self._answer,
            sought=self._sought,
        )

    def state_changed(self) -> None:
        """Offer what is possible now: hosts come up and stop answering while a form is open."""
        before, values = self._fields, self.values
        self._form = self._as_of_now()
        self._fields = self._settle_fields(kept=self._chosen)
        if _possible(before) != _possible(self._fields):
            self._changed()
            self._preview_options_again()
        elif self.values != values:
            self._changed()
        if before != self._fields:
            self.update()

    def receive_paste(self, text: str) -> None:
        """Paste into the field under the cursor."""
        field = self._fields[self._at]
        if field.kind is FieldKind.NUMBER:
            digits = "".join(each for each in text if each in "0123456789")
            self._put(field, self._edits[field.id].insert(digits))
        elif field.kind in {FieldKind.TEXT, FieldKind.SIZE}:
            self._put(field, self._edits[field.id].insert(text))

    async def pressed(self, event: events.Key) -> None:
        """Move between fields, fill them in, finish."""
        field = self._fields[self._at]
        if event.key == "escape":
            self.leave_with(None)
        elif event.key == "enter":
            self._finish()
        elif event.key in {"tab", "down", "shift+tab", "up"}:
            step = 1 if event.key in {"tab", "down"} else -1
            self._at = (self._at + step) % len(self._fields)
            self._sought = ""
            self.update()
        else:
            self._fill(field, event)

    def _finish(self) -> None:
        """Go on to the confirmation; a form that the hosts refuse stays open and says why."""
        intents = self._form.intents(self.values)
        refused = isinstance(self._answer, tuple) and all(isinstance(answer, Refusal) for answer in self._answer)
        if not isinstance(intents, str) and not refused:
            self.leave_with(intents)

    def _fill(self, field: Field, event: events.Key) -> None:
        edit = self._edits[field.id]
        if field.kind is FieldKind.TOGGLE:
            wanted = {"y": "yes", "n": "no"}.get(event.key, "no" if edit.text == "yes" else "yes")
            if event.key in {"space", "left", "right", "y", "n"}:
                self._put(field, LineEdit.of(wanted))
        elif field.kind is FieldKind.CHOICE:
            self._choose(field, edit.text, event)
        else:
            typed = event.character or ""
            if field.kind is FieldKind.NUMBER and typed.isprintable() and typed not in "0123456789":
                return
            edited = edit.press(event.key, event.character)
            if edited is not None:
                self._put(field, edited)

    def _choose(self, field: Field, value: str, event: events.Key) -> None:
        """Step with arrows, or find the option that holds what is typed."""
        values = [option.value for option in field.options]
        step = {"right": 1, "left": -1, "space": 1}.get(event.key)
        if step is not None and values:
            self._sought = ""
            at = values.index(value) if value in values else 0
            self._put(field, LineEdit.of(values[(at + step) % len(values)]))
            return
        if event.key == "backspace":
            self._sought = self._sought[:-1]
        elif event.character and event.character.isprintable():
            self._sought = (self._sought + event.character)[-_LONGEST_SOUGHT:]
            found = _find(field, value, self._sought)
            if found is not None:
                self._put(field, LineEdit.of(found))
        self.update()

    def _put(self, field: Field, edit: LineEdit) -> None:
        before = self._edits[field.id].text
        self._edits[field.id] = edit
        self._chosen.add(field.id)
        if edit.text != before:
            self._fields = self._settle_fields(kept={field.id})
            self._changed()
            if field.kind in {FieldKind.CHOICE, FieldKind.TOGGLE} and field.id != self._form.previewed_field:
                self._preview_options_again()
        self.update()

    def _settle_fields(self, kept: Collection[str] = ()) -> tuple[Field, ...]:
        """Ask the form for its fields until choices that are no longer possible have been replaced.

        What is `kept` stays, possible or not: it may be again, and until then the hosts say why it is not.
        """
        here = self._fields[self._at].id if self._fields else ""
        for _ in range(4):
            fields = self._form.fields(self.values)
            stale = False
            for field in fields:
                possible = {option.value for option in field.options}
                known = self._edits.get(field.id)
                if known is None or (
                    field.kind is FieldKind.CHOICE and field.id not in kept and known.text not in possible
                ):
                    self._edits[field.id] = LineEdit.of(field.value)
                    stale = True
            if not stale:
                break
        # By name: when fields above it come or go, what is typed goes on in the same one.
        self._at = next((at for at, field in enumerate(fields) if field.id == here), min(self._at, len(fields) - 1))
        return fields

    def _changed(self) -> None:
        intents = self._form.intents(self.values)
        if isinstance(intents, str):
            self._answer = intents
            self.workers.cancel_group(self, "answer")
        else:
            self._answer = None
            self._asked = intents
            # Latest wins: an answer to a form that has changed since is worth nothing.
            # By name and not begun: one that is replaced before its turn comes is not even made.
            asking: Callable[[], Awaitable[None]] = self._ask
            self.run_worker(asking, group="answer", exclusive=True)
        self.update()

    async def _ask(self) -> None:
        answer = await preview_all(self.desk.backend, self.desk.caller, self._asked)
        self._answer = answer if isinstance(answer, str) else (*answer.plans, *answer.refusals)
        self.update()

    def _preview_options_again(self) -> None:
        self._option_previews = {}
        if self._form.previewed_field:
            self.run_worker(self._preview_options(), group="options", exclusive=True)

    def _offer_possible(self, field: Field) -> None:
        """Offer the option with which most is possible in place of one with which less turned out to be."""
        offered = self._option_previews.get(self.values[field.id])
        best = max(self._option_previews, key=lambda value: self._option_previews[value].possible)
        if field.id not in self._chosen and offered and offered.possible < self._option_previews[best].possible:
            self._edits[field.id] = LineEdit.of(best)
            self._changed()

    async def _preview_options(self) -> None:
        """Ask for every destination whether it could, a few at a time."""
        field = next(field for field in self._fields if field.id == self._form.previewed_field)
        options = [option for option in field.options if not option.refusal]
        if len(options) > _OPTIONS_PREVIEWED:
            return
        limit = asyncio.Semaphore(3)

        async def preview_option(value: str) -> None:
            intents = self._form.intents({**self.values, field.id: value})
            if isinstance(intents, str):
                return
            async with limit:
                answer = await preview_all(self.desk.backend, self.desk.caller, intents)
            if not isinstance(answer, str):
                self._option_previews[value] = OptionPreview(
                    wanted=len(intents),
                    possible=len(answer.plans),
                    reason=answer.refusals[0].reason if answer.refusals else "",
                )
                self._offer_possible(field)
                self.update()

        await asyncio.gather(*(preview_option(option.value) for option in options))


def _possible(fields: Sequence[Field]) -> dict[str, tuple[str, ...]]:
    return {field.id: tuple(each.value for each in field.options if not each.refusal) for field in fields}


def _find(field: Field, value: str, sought: str) -> str | None:
    """Return the option that is meant: one that begins with it before one that holds it, this one before others."""
    at = next((index for index, option in enumerate(field.options) if option.value == value), 0)
    ring = [option for option in (*field.options[at:], *field.options[:at]) if holds(option, sought)]
    ring.sort(key=lambda option: not (option.label or option.value).casefold().startswith(sought.casefold()))
    return ring[0].value if ring else None
