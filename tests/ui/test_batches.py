"""Batches on the screen: the parent counts its operations, which do not flood the list."""

from dataclasses import replace

from novacron.model.operation import OperationState, Progress
from novacron.model.operations.batch import Batch
from tests.operation_builders import an_operation
from tests.ui.fake_backend import FakeBackend
from tests.ui.fleet import a_mixed_fleet
from tests.ui.operator import LARGE, at_console

BATCH = replace(
    an_operation(9, intent=Batch(size=3), title="start 3 VMs", state=OperationState.RUNNING),
    progress=Progress(fraction=0.66, note="1 of 3 done, 1 failed"),
)


async def test_the_pane_of_operations_counts_what_is_well_in_a_batch_and_lists_what_is_not() -> None:
    console = FakeBackend(a_mixed_fleet())
    states = (OperationState.DONE, OperationState.FAILED, OperationState.RUNNING)
    children = [
        replace(an_operation(number, title=f"start vm-{number}", state=state), parent=BATCH.id)
        for number, state in enumerate(states, start=1)
    ]
    console.show_operations(*children, BATCH)
    async with at_console(console, size=LARGE) as operator:
        await operator.press("3")
        operator.sees("start 3 VMs: 1 of 3 done, 1 failed", "start vm-2", "start vm-3")
        operator.sees_not("start vm-1")
