"""A small fleet that has a bit of everything, for screens: all states, a sick host, a full pool, a migration."""

from datetime import timedelta

from novacron.model.alert.alert import AlertRule, Severity
from novacron.model.fleet import Fleet, Host
from novacron.model.ids import HostId
from novacron.model.link import LinkStatus
from novacron.model.operation import Operation, OperationState, Progress, StepRecord, StepState
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.power import StartVm
from novacron.model.vm import StateReason, VmReading, VmState
from tests.builders import (
    NOW,
    a_disk,
    a_fleet,
    a_host,
    a_link,
    a_pool,
    a_reading,
    a_usage,
    a_vm,
    a_volume,
    an_id,
    some_facts,
    some_load,
)
from tests.operation_builders import a_job, a_step, an_alert, an_operation
from tests.ui.fake_backend import NAMES

SHOWN_AT = NOW + timedelta(seconds=14)
"""What the console's clock says in tests."""
_STATES = {
    "mail-1": VmState.PAUSED,
    "build-2": VmState.SHUT_OFF,
    "build-3": VmState.SHUT_OFF,
    "legacy-1": VmState.CRASHED,
}


def a_mixed_fleet(revision: int = 7) -> Fleet:
    """Return five hosts: three up, one stale, one whose key has changed."""
    return a_fleet(
        _host("kvm-fra-01", "web-1", "web-2", "web-10", "db-1", "mail-1", "legacy-1"),
        _host("kvm-fra-02", "web-3", "web-4", "db-2", "build-1", "build-2", "build-3"),
        _host("kvm-ams-01", "cache-1", "cache-2", "proxy-1", "queue-1", site="ams"),
        _host(
            "kvm-ams-02",
            "cache-3",
            "proxy-2",
            "search-1",
            site="ams",
            link=a_link(
                LinkStatus.STALE,
                since=NOW,
                cause="no answer within 5 s",
                remedy="the host may hang: look at its console",
                retry_at=SHOWN_AT + timedelta(seconds=4),
                attempts=2,
            ),
        ),
        a_host(
            "kvm-ams-03",
            site="ams",
            never_read=True,
            link=a_link(
                LinkStatus.HOST_KEY_CHANGED,
                since=NOW - timedelta(minutes=9),
                cause="its host key is SHA256:q1…, known_hosts has SHA256:Zx…",
                remedy="if it was reinstalled: ssh-keygen -R kvm-ams-03, then novacron host test kvm-ams-03",
            ),
        ),
        revision=revision,
    )


def _host(name: str, *vms: str, site: str = "fra", link=LinkStatus.UP) -> Host:
    index = int(name[-1])
    reading = a_reading(
        name,
        *(_vm(vm, number) for number, vm in enumerate(vms, start=index)),
        facts=some_facts(name, networks=("default", "lan")),
        load=some_load(cpu_percent=18.0 * index),
        pools=(
            a_pool("local", volumes=(a_volume("debian-12.qcow2"), a_volume("scratch-1.raw", format="raw"))),
            a_pool("shared", path="/srv/shared", available_mib=9_000 if index == 1 else 52_000, shared=True),
            a_pool("archive", active=False, path="/srv/archive"),
        ),
    )
    return a_host(name, link=link, reading=reading, site=site)


def _vm(name: str, number: int) -> VmReading:
    NAMES[an_id(name)] = name
    state = _STATES.get(name, VmState.RUNNING)
    reason = {VmState.PAUSED: StateReason.IO_ERROR, VmState.CRASHED: StateReason.CRASHED}.get(state)
    usage = a_usage(
        cpu_percent=7.3 * number,
        memory_used_mib=180 * number,
        disk_read_b_s=40_000.0 * number**2,
        disk_write_b_s=9_000.0 * number,
        net_rx_b_s=120_000.0 * number,
        net_tx_b_s=65_000.0,
    )
    return a_vm(
        name,
        state=state,
        reason=reason,
        vcpus=1 + number % 4,
        memory_mib=1024 * (1 + number % 3),
        memory_max_mib=8192,
        autostart=name.startswith("db"),
        usage=usage if state is VmState.RUNNING else None,
        disks=(a_disk(name), a_disk(name, target="sda", source="", kind="cdrom", readonly=True)),
        job_active=name == "db-2",
    )


def a_migration() -> Operation:
    """Return a live migration that is half way."""
    return an_operation(
        41,
        intent=MigrateVm(vm=an_id("db-2"), host=HostId("kvm-fra-02"), destination=HostId("kvm-fra-01")),
        title="migrate db-2 from kvm-fra-02 to kvm-fra-01 (p2p)",
        subject="db-2",
        progress=Progress(
            fraction=0.43,
            job=a_job(),
            remaining_s=7.0,
            observed_at=SHOWN_AT,
        ),
        steps=(
            StepRecord(
                id="check",
                args=a_step(),
                title="check that kvm-fra-01 can run it",
                state=StepState.FINISHED,
                started_at=NOW,
                finished_at=NOW + timedelta(seconds=1),
                detail="CPU compatible, network default is there, disks are locked exclusively",
            ),
            StepRecord(
                id="migrate",
                args=a_step(),
                title="move db-2's memory to kvm-fra-01",
                state=StepState.STARTED,
                started_at=NOW + timedelta(seconds=1),
            ),
            StepRecord(id="settle", args=a_step(), title="read the outcome from kvm-fra-02 and kvm-fra-01"),
        ),
        can_cancel=True,
    )


def some_operations() -> tuple[Operation, ...]:
    """Return the migration, and three that have ended, newest first."""
    return (
        a_migration(),
        an_operation(40, state=OperationState.DONE, title="start web-1 on kvm-fra-01"),
        an_operation(
            39,
            intent=StartVm(vm=an_id("legacy-1"), host=HostId("kvm-fra-01")),
            state=OperationState.FAILED,
            title="start legacy-1 on kvm-fra-01",
            subject="legacy-1",
            outcome="kvm-fra-01: Cannot access storage file '/srv/vm/legacy-1.qcow2': No such file (restore its disk)",
        ),
        an_operation(
            38,
            intent=MigrateVm(vm=an_id("queue-1"), host=HostId("kvm-ams-02"), destination=HostId("kvm-ams-01")),
            state=OperationState.NEEDS_ATTENTION,
            title="migrate queue-1 from kvm-ams-02 to kvm-ams-01",
            subject="queue-1",
            outcome="kvm-ams-02 does not answer: whether it still runs there is not known",
        ),
    )


def some_alerts() -> tuple:
    """Return alerts of all severities, one of them cleared."""
    return (
        an_alert(subject="kvm-ams-02", text="unreachable: no answer within 5 s"),
        an_alert(AlertRule.VM_IO_ERROR, subject="mail-1", text="no space left under its disk on kvm-fra-01"),
        an_alert(
            AlertRule.POOL_NEARLY_FULL,
            severity=Severity.WARNING,
            subject="shared",
            text="91 % full on kvm-fra-01",
            raised_at=NOW - timedelta(minutes=41),
        ),
        an_alert(
            AlertRule.OPERATION_FAILED,
            severity=Severity.WARNING,
            subject="legacy-1",
            text="start legacy-1 failed",
            cleared_at=NOW,
        ),
    )
