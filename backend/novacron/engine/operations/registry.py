"""How each type of step is carried out. The types are in journals: none is ever given another meaning."""

from collections.abc import Mapping
from typing import Any, Final

from novacron.engine.operations import creation, definition, deletion, devices, power, resizing, storage
from novacron.engine.operations.cold_migration import CopyDefinition, DropDefinition
from novacron.engine.operations.migration import KeepAutostart, MoveRunning
from novacron.engine.operations.migration_outcome import ReadOutcome
from novacron.engine.operations.step import StepHandler
from novacron.model.errors import JournalError
from novacron.model.operation import StepRecord
from novacron.model.operations.migration import (
    CopyDefinitionArgs,
    DropDefinitionArgs,
    KeepAutostartArgs,
    MoveRunningArgs,
    ReadOutcomeArgs,
)
from novacron.model.operations.step import StepArgs

_MIGRATION: Final[Mapping[type[StepArgs], type[StepHandler[Any]]]] = {
    MoveRunningArgs: MoveRunning,
    ReadOutcomeArgs: ReadOutcome,
    CopyDefinitionArgs: CopyDefinition,
    DropDefinitionArgs: DropDefinition,
    KeepAutostartArgs: KeepAutostart,
}
HANDLERS: Final[Mapping[type[StepArgs], type[StepHandler[Any]]]] = {
    **power.STEPS,
    **definition.STEPS,
    **resizing.STEPS,
    **devices.STEPS,
    **creation.STEPS,
    **deletion.STEPS,
    **storage.STEPS,
    **_MIGRATION,
}
"""By the class of their arguments."""


def handler_of(step: StepRecord) -> StepHandler[Any]:
    """Return what carries out a step.

    Raises:
        JournalError: this version does not know its type.
    """
    found = HANDLERS.get(type(step.args))
    if found is None:
        raise JournalError(
            step.id,
            f"this version does not know steps of the type {step.args.type!r}",
            "finish it with the version that began it",
        )
    return found(step.id, step.args)
