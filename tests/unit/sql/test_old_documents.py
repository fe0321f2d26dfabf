"""Operations as the last version before steps were data wrote them, read by this one.

operations_of_layout_3.jsonl was written by that version: every kind of intent and every step it had.
"""

from pathlib import Path

import pytest

from novacron.adapters.sql.documents import EventRow, folded
from novacron.engine.operations.registry import handler_of
from novacron.model.ids import OperationId
from novacron.model.operations.creation import CREATE_DISK, CreateDiskArgs
from novacron.model.operations.deletion import DeleteDiskArgs
from novacron.model.operations.migration import MoveRunningArgs, ReadOutcomeArgs
from novacron.model.operations.power import SHUTDOWN
from novacron.model.operations.registry import TYPES

_FILE = Path(__file__).with_name("operations_of_layout_3.jsonl")
_DOCUMENTS = _FILE.read_text().splitlines()
_OPERATIONS = [
    folded(
        "the journal", [EventRow(operation=OperationId("op"), sequence=1, kind="accepted", version=1, document=text)]
    )
    for text in _DOCUMENTS
]
_KINDS_OF_THAT_VERSION = frozenset(
    {"start", "shutdown", "reboot", "force-off", "pause", "resume", "rename", "autostart", "resize", "delete", "create"}
    | {"migrate", "pool-active", "delete-volume"}
)


def test_every_kind_that_the_old_version_had_is_in_the_file() -> None:
    assert {operation.intent.kind for operation in _OPERATIONS} == _KINDS_OF_THAT_VERSION


@pytest.mark.parametrize("operation", _OPERATIONS, ids=lambda operation: operation.intent.kind)
def test_each_of_its_steps_is_one_that_this_version_plans_and_carries_out(operation) -> None:
    for step in operation.steps:
        assert type(step.args) in TYPES[operation.intent.kind].steps
        assert handler_of(step).args == step.args


def test_what_stood_in_names_and_texts_is_data_now() -> None:
    steps = {(operation.sequence, step.id): step for operation in _OPERATIONS for step in operation.steps}
    disk = steps[10, "delete-disk:/srv/vm/web-1.qcow2"].args
    assert isinstance(disk, DeleteDiskArgs)
    assert (disk.path, disk.expects) == ("/srv/vm/web-1.qcow2", "inode 12 on 0:34")
    assert steps[11, CREATE_DISK].values == {"path": "/srv/vm/web-1.qcow2"}
    assert steps[12, CREATE_DISK].values == {"before": "absent"}
    assert isinstance(steps[12, CREATE_DISK].args, CreateDiskArgs)
    assert steps[3, SHUTDOWN].values == {"pressed": "unknown"}
    move, outcome = steps[13, "migrate"], steps[13, "settle"]
    assert isinstance(move.args, MoveRunningArgs)
    assert move.args.bandwidth_mib_s == 40
    assert isinstance(outcome.args, ReadOutcomeArgs)
    assert move.values == {"said": "kvm1 said: no"}
