"""A form as lines: fields, the options of the one being filled in, and what the hosts say to the whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from novacron.model.errors import UsageError
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron.model.size import parse_size_mib, size_text
from novacron_tui.present.cells import Line, Role, Span, fit_line, paragraph, span
from novacron_tui.present.confirm import refusal_lines
from novacron_tui.present.form_fields import Field, FieldKind, Option
from novacron_tui.present.glyphs import Glyphs
from novacron_tui.present.line_edit import LineEdit

_LABEL: Final = 14
_OPTIONS_SHOWN: Final = 6

FormAnswer = tuple[Plan | Refusal, ...] | str | None
"""What the hosts say to the form as filled in; a text: what is missing in it; None: they are being asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionPreview:
    """What the hosts say to a form in which an option is chosen."""

    wanted: int
    possible: int
    reason: str
    """Why the first of the others is not possible; empty when all are."""

    @property
    def shortfall(self) -> str:
        """Why it is not possible, and for how many; empty when it is possible for all."""
        if self.wanted > 1 and self.possible < self.wanted:
            return f"{self.possible} of {self.wanted} can: {self.reason}"
        return self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class FormView:
    """A form as it is being filled in."""

    title: str
    fields: Sequence[Field]
    edits: Mapping[str, LineEdit]
    at: int
    """Index of the field under the cursor."""
    sought: str = ""
    """What was typed to find an option of it."""
    option_previews: Mapping[str, OptionPreview]
    """For options that were asked about."""
    answer: FormAnswer


def form_lines(view: FormView, width: int, glyphs: Glyphs) -> list[Line]:
    """Draw the fields."""
    lines: list[Line] = [*paragraph(view.title, width - 1, Role.STRONG, indent=1), ()]
    for index, field in enumerate(view.fields):
        here = index == view.at
        lines.append(fit_line(_field_line(field, view, width, glyphs, here=here), width))
        if here and field.kind is FieldKind.CHOICE and len(field.options) > 1:
            lines += _option_lines(field, view, width, glyphs)
    return lines


def answer_lines(view: FormView, width: int, glyphs: Glyphs, most: int) -> list[Line]:
    """Say what the hosts say, in at most `most` lines, and which keys there are."""
    said = _answer_lines(view.answer, width, glyphs)
    if len(said) > most:
        rest = len(said) - most + 1
        said = [*said[: most - 1], (span(f"   and {rest} lines more: too much for this terminal", Role.DIM),)]
    keys: tuple[tuple[str, str], ...] = (("enter", "review"), ("tab", "next"))
    if view.fields[view.at].kind is FieldKind.CHOICE:
        keys += (("←→", "choose"), ("letters", "find"))
    elif view.fields[view.at].kind is FieldKind.TOGGLE:
        keys += (("space", "yes or no"),)
    keys += (("esc", "leave"),)
    named = tuple(part for key, label in keys for part in _key(key, label))
    return [(span(glyphs.rule * width, Role.DIM),), *said, (), named]


def holds(option: Option, sought: str) -> bool:
    """Tell whether an option is what was typed for."""
    return sought.casefold() in (option.label or option.value).casefold()


def current_option(field: Field, value: str) -> Option | None:
    """Return the option that is chosen."""
    return next((option for option in field.options if option.value == value), None)


def _field_line(field: Field, view: FormView, width: int, glyphs: Glyphs, *, here: bool) -> list[Span]:
    mark = f" {glyphs.choice} " if here else "   "
    spans = [span(mark, Role.KEY), span(f"{field.label:<{_LABEL}}", Role.STRONG if here else Role.DIM)]
    edit = view.edits[field.id]
    if field.kind is FieldKind.TOGGLE:
        spans.append(span("yes" if edit.text == "yes" else "no ", Role.ACCENT if here else Role.TEXT))
    elif field.kind is FieldKind.CHOICE:
        option = current_option(field, edit.text)
        label = (option.label or option.value) if option else edit.text or "-"
        spans.append(span(label, Role.ACCENT if here else Role.TEXT))
        if option is None and edit.text:
            spans.append(span("  not offered now", Role.WARNING))
        if option is not None and option.note:
            spans.append(span(f"  {option.note}", Role.DIM))
        if here and view.sought:
            found = any(holds(each, view.sought) for each in field.options)
            spans += [span(f"   /{view.sought}", Role.KEY), span("" if found else "  none has that", Role.WARNING)]
    else:
        spans += edit.spans(width - _LABEL - 8, active=here)
        unit = _size_read(edit.text, field.unit) if field.kind is FieldKind.SIZE else field.unit
        if unit:
            spans.append(span(f" {unit}", Role.DIM))
    if here and field.hint:
        spans.append(span(f"   {field.hint}", Role.DIM))
    return spans


def _size_read(text: str, unit: str) -> str:
    """Say in which unit a plain number is read, and what the size is of."""
    if not (text.isascii() and text.strip().isdigit()):
        return unit
    try:
        taken = f"MiB = {size_text(parse_size_mib(text))}".removesuffix(f" = {int(text)}M")
    except UsageError:
        return unit
    return f"{taken} {unit}".rstrip()


def _option_lines(field: Field, view: FormView, width: int, glyphs: Glyphs) -> list[Line]:
    chosen = view.edits[field.id].text
    at = next((index for index, option in enumerate(field.options) if option.value == chosen), 0)
    first = min(max(0, at - _OPTIONS_SHOWN // 2), max(0, len(field.options) - _OPTIONS_SHOWN))
    shown = field.options[first : first + _OPTIONS_SHOWN]
    lines = [fit_line(_option(option, view, glyphs, chosen=option.value == chosen), width) for option in shown]
    rest = len(field.options) - len(shown)
    if rest:
        lines.append((span(f"{' ' * (_LABEL + 5)}{rest} more", Role.DIM),))
    return lines


def _option(option: Option, view: FormView, glyphs: Glyphs, *, chosen: bool) -> list[Span]:
    said = view.option_previews.get(option.value)
    refusal = option.refusal or (said.shortfall if said else "")
    sign = (
        span(f"{glyphs.attention} ", Role.WARNING)
        if said and said.reason and said.possible and not option.refusal
        else span(f"{glyphs.failed} ", Role.CRITICAL)
        if refusal
        else span(f"{glyphs.done} ", Role.GOOD)
        if said is not None
        else span("  ")
    )
    name = span(option.label or option.value, Role.ACCENT if chosen else Role.TEXT)
    why = span(f"  {refusal or option.note}", Role.WARNING if refusal else Role.DIM)
    arrow = glyphs.choice if chosen else " "
    return [span(f"{' ' * (_LABEL + 3)}{arrow} ", Role.ACCENT), sign, name, why]


def _answer_lines(answer: FormAnswer, width: int, glyphs: Glyphs) -> list[Line]:
    if answer is None:
        return [(span(" asking the hosts ...", Role.DIM),)]
    if isinstance(answer, str):
        return paragraph(answer, width - 1, Role.DIM, indent=1)
    lines: list[Line] = []
    possible = sum(isinstance(answer, Plan) for answer in answer)
    if 0 < possible < len(answer):
        text = f"{glyphs.attention} {possible} of {len(answer)} can be done as it stands; the others are left out"
        lines += paragraph(text, width - 1, Role.WARNING, indent=1)
    for each in answer[:4]:
        if isinstance(each, Refusal):
            lines += refusal_lines(each, width, glyphs)
            continue
        lines += paragraph(f"{glyphs.done} {each.title}", width - 1, Role.GOOD, indent=1)
        for warning in each.warnings:
            lines += paragraph(f"{glyphs.attention} {warning}", width - 1, Role.WARNING, indent=3)
    if len(answer) > 4:
        lines.append((span(f"   and {len(answer) - 4} more", Role.DIM),))
    return lines


def _key(key: str, label: str) -> tuple[Span, Span]:
    return (span(f" {key}", Role.KEY), span(f" {label} ", Role.DIM))
