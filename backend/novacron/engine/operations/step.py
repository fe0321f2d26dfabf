"""One journaled step: what every type of step says of itself."""

from collections.abc import Mapping
from typing import ClassVar, Generic

from novacron.engine.operations.context import StepContext
from novacron.model.operation import StepResult
from novacron.model.operations.step import ArgsT


class StepFailed(Exception):
    """The step did not do it, and the world is known; the text says what is left and what to do."""


class StepCancelled(Exception):
    """The step was stopped by request, and the world is as it was."""


class StepHandler(Generic[ArgsT]):
    """Carries out one step of one operation."""

    begins_unwritten: ClassVar[bool] = False
    """Whether it does not wait for a journal that cannot be written: it ends what runs, and looks before it acts."""
    runs_when_cancelled: ClassVar[bool] = False
    """Whether a cancelled operation takes it as well: what became of a migration is read, and kept as it was."""

    def __init__(self, step_id: str, args: ArgsT) -> None:
        self.step_id = step_id
        self.args = args

    async def prepare(self, context: StepContext) -> Mapping[str, str]:
        """Look before it begins, and change nothing; what it returns is in the journal with the step's "started".

        Raises:
            StepFailed: it cannot be done.
            LinkError: the host does not answer.
        """
        return {}

    async def act(self, context: StepContext) -> StepResult:
        """Do it, and read from the hypervisor that it is done.

        Raises:
            StepFailed, StepCancelled, AttentionNeeded: how else it ended.
            LinkError: the host does not answer, and nothing was asked of it.
            OperationError: the hypervisor said no.
            OutcomeUnknown: it was asked, and the answer was lost: `settle` comes next.
        """
        raise NotImplementedError

    async def settle(self, context: StepContext) -> StepResult:
        """Find out what a step that was interrupted has come to; the same answers as `act`. Never guesses.

        A broken link in the middle of it means that it is called again when the host answers.
        """
        raise NotImplementedError

    async def undo(self, context: StepContext) -> str:
        """Take back what `act` did, as far as it can be; says what was taken back, or what is left."""
        return ""
