"""The confirmation: what would be done, what it touches, whether it can be taken back, and what to press."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from novacron.model.ids import HostId
from novacron.model.operation import JOURNAL, Operation
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.registry import texts_of, verb_of
from novacron.model.plan.plan import Danger, Plan, Undo
from novacron.model.refusal import Refusal
from novacron.model.safetext import SafeText
from novacron_tui.present.cells import Line, Role, Span, line, paragraph, span
from novacron_tui.present.glyphs import Glyphs
from novacron_tui.present.line_edit import LineEdit
from novacron_tui.present.quantity import fraction
from novacron_tui.present.words import operation_sign

_LABEL: Final = 10
_TYPEABLE: Final = 40
_CROWD_LOST: Final = 5
_CROWD: Final = 20
_WAYS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What the hypervisors said to each intent."""

    plans: tuple[Plan, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def danger(self) -> Danger:
        """The worst of all plans; what one key may do to one VM takes a word when it is done to a crowd."""
        found = {plan.danger for plan in self.plans}
        crowd = _CROWD_LOST if self.is_final else _CROWD
        if Danger.CONFIRM in found and len(self.plans) >= crowd:
            return Danger.TYPE_NAME
        return next((danger for danger in (Danger.TYPE_NAME, Danger.CONFIRM) if danger in found), Danger.NONE)

    @property
    def is_final(self) -> bool:
        """Whether any of it cannot be undone: then No is what enter means."""
        return any(plan.undo is Undo.NEVER for plan in self.plans)

    @property
    def vouch_for(self) -> tuple[HostId, ...]:
        """The hosts that do not answer, when vouching for them is all that the plans lack; else none."""
        if self.plans or not all(refusal.vouch_for for refusal in self.refusals):
            return ()
        return tuple(dict.fromkeys(host for refusal in self.refusals for host in refusal.vouch_for))

    @property
    def word(self) -> str:
        """What has to be typed before data or service is lost."""
        if len(self.plans) > 1:
            return f"{len(self.plans)} {texts_of(self.plans[0].intent).nouns}"
        if not self.plans:
            return ""
        subject = self.plans[0].subject
        if SafeText(subject) == subject.strip() and subject.isascii() and 0 < len(subject) <= _TYPEABLE:
            return subject
        # A name nobody can type, or one that imitates another: the UUID cannot be imitated.
        return str(self.plans[0].intent.about_vm or "yes")[:8]


def review_lines(review: Review, width: int, glyphs: Glyphs) -> list[Line]:
    """Say what would be done, to what, and what would not."""
    lines: list[Line] = []
    if len(review.plans) == 1:
        lines += _one(review.plans[0], width)
    elif review.plans:
        lines += _several(review.plans, width)
    if review.refusals:
        if review.plans:
            lines += [(), (span(" Not done:", Role.WARNING),)]
        for refusal in review.refusals:
            lines += refusal_lines(refusal, width, glyphs)
    return lines


def cost_lines(review: Review, width: int, glyphs: Glyphs, left_out: str = "") -> list[Line]:
    """Say what is left out, what it costs, and whether it can be taken back; of several, what costs most."""
    lines = paragraph(left_out, width - 1, Role.DIM, indent=1) if left_out else []
    if review.refusals:
        first = review.refusals[0]
        which = "" if len(review.refusals) == 1 else "; the first of them"
        text = f"{glyphs.failed} {len(review.refusals)} refused and left out{which}: {first.subject}: {first.reason}"
        lines += paragraph(text, width - 1, Role.WARNING, indent=1)
    for warning in dict.fromkeys(warning for plan in review.plans for warning in plan.warnings):
        lines += paragraph(f"{glyphs.attention} {warning}", width - 1, Role.WARNING, indent=1)
    final = next((plan for plan in review.plans if plan.undo is Undo.NEVER), None)
    return lines + _block("Undo", _undoes(review, final), width, Role.CRITICAL if final else Role.TEXT)


def refusal_lines(refusal: Refusal, width: int, glyphs: Glyphs) -> list[Line]:
    """Say why not, and what would change that."""
    lines = paragraph(f"{glyphs.failed} {refusal.subject}: {refusal.reason}", width - 1, Role.CRITICAL, indent=1)
    if refusal.remedy:
        lines += paragraph(refusal.remedy, width - 1, Role.TEXT, indent=3)
    return lines


def cancel_lines(operations: Sequence[Operation], width: int, glyphs: Glyphs) -> list[Line]:
    """Name what would be cancelled, how far it is, and what is left of it then."""
    title = "Cancel this?" if len(operations) == 1 else f"Cancel these {len(operations)} operations?"
    lines: list[Line] = [(span(f" {title}", Role.STRONG),), ()]
    for operation in operations:
        shape, role = operation_sign(operation, glyphs)
        lines += paragraph(f"{shape} {operation.title}: {_stands(operation)}", width - 1, role, indent=1)
        if operation.progress.waits_for == JOURNAL:
            text = "The journal cannot be written, so its next step does not begin. Given up, it ends as it is."
            lines += paragraph(text, width - 1, Role.WARNING, indent=3)
        elif host := operation.progress.waits_for:
            how = "Asked to stop twice" if operation.can_cancel else "Cancelled"
            text = f"{host} does not answer. {how}, it is given up: what it came to stays unknown, its VM unguarded."
            lines += paragraph(text, width - 1, Role.WARNING, indent=3)
    begun = [one for one in operations if not one.is_waiting]
    moves = [isinstance(one.intent, MigrateVm) for one in begun if one.can_cancel or not one.progress.waits_for]
    if any(moves):
        lines += [(), *paragraph("A VM that is migrated stays where it is, and goes on there.", width - 1, indent=1)]
    if not all(moves):
        lines += [(), *paragraph("What was done so far is not taken back.", width - 1, indent=1)]
    return lines


def _stands(operation: Operation) -> str:
    """Say how far an operation is."""
    if operation.is_waiting:
        return "waiting, nothing was done yet"
    far = operation.progress.fraction
    return str(operation.state) if operation.has_ended or far is None else f"{fraction(far)} done"


def acknowledge_lines(operation: Operation, width: int, glyphs: Glyphs) -> list[Line]:
    """Name what somebody says they have dealt with."""
    lines: list[Line] = [(span(" Acknowledge this? Its alert is cleared.", Role.STRONG),), ()]
    shape, role = operation_sign(operation, glyphs)
    lines += paragraph(f"{shape} {operation.title}", width - 1, role, indent=1)
    return lines + paragraph(operation.outcome, width - 1, Role.TEXT, indent=3)


def note_line(typed: LineEdit, width: int) -> list[Line]:
    """Ask for the note under which it is kept."""
    return [
        (),
        (span(" What did you find or do? ", Role.KEY), *typed.spans(width - 30, active=True)),
        (span(" enter acknowledges, esc leaves", Role.DIM),),
    ]


def button_line(*, yes_first: bool, on_yes: bool) -> Line:
    """Draw No and Yes; the one that enter means is lit."""
    no = span("  No  ", Role.CURSOR_TEXT if not on_yes else Role.DIM)
    yes = span("  Yes  ", Role.CURSOR_TEXT if on_yes else Role.DIM)
    pair = (yes, span("   "), no) if yes_first else (no, span("   "), yes)
    keys = (span("      y", Role.KEY), span(" yes  ", Role.DIM), span("n", Role.KEY), span(" no", Role.DIM))
    return (span("   "), *pair, *keys)


def vouch_lines(hosts: Sequence[HostId], typed: LineEdit, width: int) -> list[Line]:
    """Ask for the names of the hosts that are vouched for, and say what that means."""
    names = " ".join(hosts)
    meaning = "You say that nothing there has or needs it. If that is wrong, its data is lost. The journal keeps it."
    return [*paragraph(meaning, width - 1, Role.WARNING, indent=1), (), *typed_lines(names, typed, width)]


def typed_lines(word: str, typed: LineEdit, width: int) -> list[Line]:
    """Ask for the word, and say when it is there."""
    ready = typed.text.strip() == word
    hint = "enter does it, esc leaves it" if ready else "esc leaves it"
    return [
        line(span(" Type "), span(word, Role.KEY), span(" to go on:")),
        (span(" "), *typed.spans(width - 4, active=True)),
        (span(f" {hint}", Role.DIM),),
    ]


def _one(plan: Plan, width: int) -> list[Line]:
    lines = paragraph(plan.title, width - 1, Role.STRONG, indent=1)
    lines.append(())
    if len(plan.steps) > 1:
        lines += _block("Steps", [f"{at}. {step.title}" for at, step in enumerate(plan.steps, 1)], width)
    return lines + _block("Touches", _touched(plan), width)


def _several(plans: Sequence[Plan], width: int) -> list[Line]:
    intent = plans[0].intent
    lines: list[Line] = [(span(f" {verb_of(intent)} {len(plans)} {texts_of(intent).nouns}:", Role.STRONG),), ()]
    for plan in plans:
        for at, touched in enumerate(_touched(plan, short=True)):
            lines += paragraph(touched, width - 3, Role.TEXT if at == 0 else Role.DIM, indent=1 if at == 0 else 5)
    lines.append(())
    return lines


def _touched(plan: Plan, *, short: bool = False) -> list[str]:
    """Name what is touched; a VM also by its UUID (of several, by its beginning), since names can look alike."""
    vm = plan.intent.about_vm
    touches = list(plan.touches)
    if vm and short:
        touches = [touched.replace(vm, vm[:8]) for touched in touches]
    if vm and touches and vm[:8] not in touches[0]:
        touches[0] = f"{touches[0]}  {vm[:8]}"
    return touches


def _undoes(review: Review, final: Plan | None) -> list[str]:
    """Say how it is taken back: what can be least, or each way that differs, with what it is for."""
    if final is not None:
        return [_undo(final)]
    if len({_undo(plan) for plan in review.plans}) == 1:
        return [_undo(review.plans[0])]
    ways = [f"{plan.subject}: {_undo(plan)}" for plan in review.plans]
    shown = ways[:_WAYS_SHOWN]
    return shown if len(shown) == len(ways) else [*shown, f"and {len(ways) - len(shown)} more, each its own way"]


def _undo(plan: Plan) -> str:
    if plan.undo is Undo.NEVER:
        return f"{plan.undo}; {plan.undo_how}" if plan.undo_how else str(plan.undo)
    return plan.undo_how or str(plan.undo)


def _block(label: str, texts: Sequence[str], width: int, role: Role = Role.TEXT) -> list[Line]:
    lines: list[Line] = []
    for text in texts:
        for part in paragraph(text, width - _LABEL - 2, role):
            head: Span = span(f" {label:<{_LABEL}}" if not lines else " " * (_LABEL + 1), Role.DIM)
            lines.append((head, *part[1:]))
    return lines
