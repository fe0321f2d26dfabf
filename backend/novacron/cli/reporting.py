"""What came of one command: operations, refusals and losses, printed once and made into one exit code."""

from dataclasses import dataclass, field

from novacron.cli.output import complain, print_json, print_line
from novacron.model.errors import BackendError, ExitCode, NovaCronError
from novacron.model.ids import OperationId
from novacron.model.operation import Operation, OperationState
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal, RefusalCode

_WORST_FIRST = (
    ExitCode.INTERRUPTED,
    ExitCode.OUTCOME_UNKNOWN,
    ExitCode.JOURNAL,
    ExitCode.BACKEND,
    ExitCode.CONFIG,
    ExitCode.FAILED,
    ExitCode.UNREACHABLE,
    ExitCode.REFUSED,
    ExitCode.USAGE,
    ExitCode.NOT_FOUND,
    ExitCode.OK,
)
"""Not by number: who reads "refused: nothing was done" must not overlook that something else failed."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What has come of a command's intents so far; kept outside of the loop, so that an interrupt leaves it whole."""

    waited: bool = True
    operations: dict[OperationId, Operation] = field(default_factory=dict)
    """Those accepted, as they were last seen."""
    refusals: list[Refusal] = field(default_factory=list)
    others: list[dict[str, object]] = field(default_factory=list)
    """What was neither accepted nor refused, as JSON has it."""
    codes: list[ExitCode] = field(default_factory=list)

    def refuse(self, refusal: Refusal) -> None:
        """Take a refusal, and tell it."""
        self.refusals.append(refusal)
        self.codes.append(code_of_refusal(refusal))
        complain(refusal.subject, refusal.reason, refusal.remedy)

    def lose(self, plan: Plan, key: str, error: NovaCronError) -> None:
        """Take a submission that was not answered, and tell it."""
        if not isinstance(error, BackendError):
            self.codes.append(error.exit_code)
            complain(plan.title, error.detail, error.remedy)
            self.others.append({"not_submitted": {"subject": plan.subject, "title": plan.title}})
            return
        self.codes.append(ExitCode.OUTCOME_UNKNOWN)
        complain(
            plan.title,
            f"its submission was not answered ({error.detail}): whether it was accepted is not known",
            f"novacron ops --json tells, by its idempotency_key {key}",
        )
        self.others.append({"unknown": {"subject": plan.subject, "title": plan.title, "idempotency_key": key}})

    def report(self, *, as_json: bool) -> None:
        """Print what came of the operations; as JSON also what never became one."""
        if as_json:
            print_json([*self.operations.values(), *({"refusal": one} for one in self.refusals), *self.others])
            return
        for operation in self.operations.values():
            print_outcome(operation)

    @property
    def exit_code(self) -> ExitCode:
        """The worst of everything's."""
        ends = (code_of_operation(one, waited=self.waited) for one in self.operations.values())
        return min([ExitCode.OK, *self.codes, *ends], key=_WORST_FIRST.index)


def print_outcome(operation: Operation) -> None:
    """Print one line: what it was, its state, and why."""
    print_line(f"{operation.title}: {operation.state.value}{': ' if operation.outcome else ''}{operation.outcome}")


def code_of_refusal(refusal: Refusal) -> ExitCode:
    """Return what a command ends with that came to nothing but this."""
    return {
        RefusalCode.JOURNAL: ExitCode.JOURNAL,
        RefusalCode.NOT_FOUND: ExitCode.NOT_FOUND,
    }.get(refusal.code, ExitCode.REFUSED)


def code_of_operation(operation: Operation, *, waited: bool) -> ExitCode:
    """Return what a command ends with that came to nothing but this."""
    if waited and not operation.has_ended:
        return ExitCode.OUTCOME_UNKNOWN
    return {
        OperationState.FAILED: ExitCode.FAILED,
        OperationState.CANCELLED: ExitCode.FAILED,
        OperationState.NEEDS_ATTENTION: ExitCode.OUTCOME_UNKNOWN,
    }.get(operation.state, ExitCode.OK)
