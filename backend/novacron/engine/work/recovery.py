"""What an earlier run of the backend left unfinished: taken up where the journal says it was.

Finished steps are not done again; a step that had begun is settled by a look at the hypervisors; nothing is ever
replayed blindly. An operation that had not begun at all is planned again, if it is not too old to be wanted still.
"""

import asyncio
import logging
from collections.abc import Iterable

from novacron.engine.executor import EngineContext, Executor
from novacron.engine.log import log
from novacron.engine.operations.context import AttentionNeeded
from novacron.engine.work.runner import OperationRunner
from novacron.model.errors import NovaCronError
from novacron.model.operation import Operation, OperationState, StepState
from novacron.model.operations.batch import Batch
from novacron.model.operations.unknown import UnknownIntent


def recover(unfinished: Iterable[Operation], executor: Executor, engine: EngineContext) -> None:
    """Take up every unfinished operation: all are locked before this returns, then each waits for its hosts.

    One that cannot be taken up needs attention; the others are taken up all the same.
    """
    unfinished = tuple(unfinished)
    stopped = {one.id for one in unfinished if isinstance(one.intent, Batch) and one.cancel_asked is not None}
    runs: list[OperationRunner] = []
    for operation in unfinished:
        if isinstance(operation.intent, Batch):
            continue
        try:
            runs.append(executor.adopt(operation))
        except Exception as error:  # noqa: BLE001 - one that fails must not leave the others unlocked, and nobody's
            log("operation cannot be taken up", level=logging.ERROR, error=error, operation=operation.id)
            executor.leave(operation, f"it cannot be taken up after the restart: {type(error).__name__}: {error}")
    for run in runs:
        if isinstance(run.operation.intent, UnknownIntent):
            # It keeps its VM from everybody else; what it is, and how it ends, only the version knows that made it.
            run.context.note("this version of novacron does not understand it: use the one that made it")
            continue
        had_begun = any(step.state is not StepState.PENDING for step in run.operation.steps)
        if run.operation.state is OperationState.CANCELLING or run.operation.cancel_asked is not None:
            run.context.cancel_asked.set()
        if run.operation.parent in stopped and not had_begun:
            run.context.cancel_asked.set()
        first = None if had_begun else asyncio.ensure_future(_may_begin(run, executor, engine))
        executor.launch(run, first=first)


async def _may_begin(run: OperationRunner, executor: Executor, engine: EngineContext) -> bool:
    """Whether an operation that was accepted and never begun may begin now; ends it if not."""
    if not await executor.scheduler.until_due(run):
        return False
    if run.is_too_old_to_begin:
        await _leave(run, engine)
        return False
    why = "the backend was restarted before it began"
    try:
        for host in run.operation.intent.hosts:
            await run.context.patient_hypervisor(host)
    except (AttentionNeeded, NovaCronError) as error:
        await run.give_up(OperationState.FAILED, f"{why}; nothing was done: {error}")
        return False
    # Again: a host may have kept it waiting for hours.
    if run.is_too_old_to_begin:
        await _leave(run, engine)
        return False
    return await executor.scheduler.may_begin(run, why=why)


async def _leave(run: OperationRunner, engine: EngineContext) -> None:
    age_s = (engine.clock.now() - run.operation.wanted_at).total_seconds()
    await run.give_up(
        OperationState.NEEDS_ATTENTION,
        f"the backend ended before it began, {abs(age_s) / 60:.0f} minutes ago; nothing was done: ask again if it is "
        "still wanted",
    )
