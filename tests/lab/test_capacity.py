"""More migrations than a host's limit: they wait for each other, visibly, and each is a real one."""

from dataclasses import replace

import pytest

from novacron.lab.lab import Lab
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.migration import MigrateVm
from novacron.model.plan.plan import Plan
from novacron.model.work.limits import Limits
from tests.callers import ALICE
from tests.lab.watched_fleet import BACK_WITHIN_S, WatchedFleet, specs_of, watching
from tests.lab_fixtures import MakeVm, eventually

pytestmark = pytest.mark.lab

_NAMES = ("first", "second", "third")
_MOVED_S = 120.0
"""How long two migrations may take, one after the other, once nothing slows them down."""


def test_migrations_beyond_a_hosts_limit_wait_for_each_other_and_one_is_cancelled(lab: Lab, make_vm: MakeVm) -> None:
    vms = [VmId(make_vm("lab1", name)) for name in _NAMES]
    specs = [replace(spec, limits=Limits(migrations_out=1)) for spec in specs_of(lab, "lab1", "lab2")]
    with watching(specs) as fleet:
        fleet.wait_all_up()
        assert eventually(lambda: all(_is_read(fleet, vm) for vm in vms), timeout_s=BACK_WITHIN_S)
        # The first is slow until the others have been seen to wait for it.
        first, second, third = (_submit(fleet, vm, limit) for vm, limit in zip(vms, (1, None, None), strict=True))
        for waiting in (second, third):
            wait = _operation(fleet, waiting).progress.queued
            assert wait is not None, _operation(fleet, waiting)
            assert wait.resource == "host:lab1/migrations-out"
        assert (wait := _operation(fleet, second).progress.queued) is not None
        assert wait.operation == first
        fleet.do(fleet.service.cancel(ALICE, third))
        assert eventually(lambda: _operation(fleet, third).state is OperationState.CANCELLED, timeout_s=10)
        assert "nothing was done" in _operation(fleet, third).outcome
        assert not _operation(fleet, first).has_ended, "it was too fast for this test"
        assert eventually(lambda: _has_been_hurried(lab, fleet, first), timeout_s=_MOVED_S)
        assert eventually(lambda: _operation(fleet, second).has_ended, timeout_s=_MOVED_S)
        moved, waited = _operation(fleet, first), _operation(fleet, second)
    assert (moved.state, waited.state) == (OperationState.DONE, OperationState.DONE), (moved.outcome, waited.outcome)
    assert moved.ended_at is not None
    assert waited.steps[0].started_at is not None
    assert waited.steps[0].started_at >= moved.ended_at
    assert [_homes(lab, name) for name in _NAMES] == [["lab2"], ["lab2"], ["lab1"]]


def _submit(fleet: WatchedFleet, vm: VmId, bandwidth_mib_s: int | None) -> OperationId:
    intent = MigrateVm(vm=vm, host=HostId("lab1"), destination=HostId("lab2"), bandwidth_mib_s=bandwidth_mib_s)
    plan = fleet.do(fleet.service.preview(ALICE, intent))
    assert isinstance(plan, Plan), plan
    answer = fleet.do(fleet.service.submit(ALICE, intent, plan_digest=plan.digest, idempotency_key=vm))
    assert isinstance(answer, Operation), answer
    return answer.id


def _operation(fleet: WatchedFleet, operation: OperationId) -> Operation:
    return fleet.do(fleet.service.find_operation(ALICE, operation))


def _has_been_hurried(lab: Lab, fleet: WatchedFleet, operation: OperationId) -> bool:
    """Take away the limit of the first migration, again and again: QEMU has none to change until it has begun."""
    lab.attempt("lab1", ["virsh", "-q", "migrate-setspeed", "first", "1000"])
    return _operation(fleet, operation).has_ended


def _is_read(fleet: WatchedFleet, vm: VmId) -> bool:
    found = fleet.fleet.find_vm(vm)
    return found is not None and found.home.vm.is_read


def _homes(lab: Lab, name: str) -> list[str]:
    return [host for host in ("lab1", "lab2") if name in lab.virsh(host, "list", "--name").split()]
