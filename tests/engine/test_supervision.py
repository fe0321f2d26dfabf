"""A task that fails is started again, logged with its traceback, and alerted; nothing dies silently."""

import asyncio
import logging
from collections.abc import Callable, Iterator

import pytest

from novacron.engine.hub import Hub, HubMessage
from novacron.engine.settings import EngineSettings
from novacron.engine.supervisor import Supervisor
from novacron.engine.work.runner import OperationRunner
from novacron.model.alert import rules
from novacron.model.alert.alert import Alert, AlertRule
from novacron.model.alert.conditions import Moment
from novacron.model.link import LinkStatus
from novacron.model.operation import OperationState
from novacron.model.operations.power import PauseVm
from novacron.model.vm import VmState
from novacron.ports.backend import AlertsChanged
from tests.builders import an_id
from tests.engine.site import A, B, Site
from tests.fake_clock import FakeClock

VM = an_id("web-1")
SETTINGS = EngineSettings()


class _Broken:
    """A task that fails as often as it is told, and then goes on."""

    def __init__(self, clock: FakeClock, failures: int, error: BaseException) -> None:
        self._clock = clock
        self._error = error
        self._failures = failures
        self.started_at: list[float] = []

    async def run(self) -> None:
        self.started_at.append(self._clock.monotonic())
        if len(self.started_at) <= self._failures:
            raise self._error
        await self._clock.sleep(1e9)


NO_THREAD = RuntimeError("can't start new thread")
OTHERS_CANCEL = asyncio.CancelledError("what it waited for was cancelled")
"""As awaiting a task raises that somebody else has cancelled."""
both_kinds = pytest.mark.parametrize("error", [NO_THREAD, OTHERS_CANCEL], ids=lambda error: type(error).__name__)


@both_kinds
async def test_a_task_that_fails_is_started_again_ever_later_and_named_until_it_is_well(
    caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    clock = FakeClock()
    supervisor = Supervisor(clock, SETTINGS)
    broken = _Broken(clock, failures=4, error=error)
    task = supervisor.keep("polling kvm-a", broken.run)
    await clock.advance(60)
    waits = [later - earlier for earlier, later in zip(broken.started_at, broken.started_at[1:], strict=False)]
    assert waits == pytest.approx([1, 2, 4, 8])
    assert [(fault.name, fault.text) for fault in supervisor.faults] == [
        ("polling kvm-a", f"{type(error).__name__}: {error}")
    ]
    assert "polling kvm-a failed" in caplog.text
    assert "Traceback" in caplog.text
    await clock.advance(SETTINGS.task_well_after_s)
    assert supervisor.faults == ()
    task.cancel()


async def test_a_host_whose_polling_dies_is_polled_again_and_the_others_go_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.start()
    poller = site.service._pollers.poller(A)

    async def die(_: object) -> None:
        monkeypatch.undo()
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(poller, "_let_go", die)
    site.world.refuse(A, LinkStatus.UNREACHABLE)
    await site.clock.advance(5)
    assert AlertRule.TASK_FAILED in [alert.rule for alert in await site.alerts()]
    site.world.heal(A)
    await site.clock.advance(60)
    fleet = await site.fleet()
    assert fleet.hosts[A].is_current
    assert fleet.hosts[B].is_current
    await site.clock.advance(SETTINGS.task_well_after_s)
    assert await site.alerts() == ()


async def test_an_alert_rule_that_fails_silences_no_other_and_clears_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site.add()
    await site.start()
    site.world.crash_vm(VM)
    await site.clock.advance(2)
    assert [alert.rule for alert in await site.alerts()] == [AlertRule.VM_CRASHED]

    def fail(_: Moment) -> Iterator[Alert]:
        raise KeyError("vm")

    healthy = rules._CONDITIONS
    broken = tuple((what, fail if what == "VMs" else rule) for what, rule in healthy)
    monkeypatch.setattr(rules, "_CONDITIONS", broken)
    site.world.refuse(B, LinkStatus.UNREACHABLE)
    await site.clock.advance(60)
    assert {alert.rule for alert in await site.alerts()} == {
        AlertRule.VM_CRASHED,
        AlertRule.HOST_UNREACHABLE,
        AlertRule.TASK_FAILED,
    }
    tracebacks = [record for record in caplog.records if record.exc_info and record.levelno >= logging.ERROR]
    assert len(tracebacks) == 1
    monkeypatch.setattr(rules, "_CONDITIONS", healthy)
    site.world.heal(B)
    await site.clock.advance(SETTINGS.task_well_after_s + 60)
    assert [alert.rule for alert in await site.alerts()] == [AlertRule.VM_CRASHED]


async def test_alerting_that_fails_altogether_goes_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await site.start()
    publish: Callable[..., None] = Hub.publish

    def fail_once(hub: Hub, message: HubMessage, *, figures_gap_s: float = 0.0) -> None:
        if isinstance(message, AlertsChanged):
            monkeypatch.undo()
            raise MemoryError
        publish(hub, message, figures_gap_s=figures_gap_s)

    monkeypatch.setattr(Hub, "publish", fail_once)
    site.world.refuse(A, LinkStatus.UNREACHABLE)
    await site.clock.advance(60)
    assert {alert.rule for alert in await site.alerts()} == {AlertRule.HOST_UNREACHABLE, AlertRule.TASK_FAILED}


async def test_a_task_that_is_cancelled_itself_ends_and_is_no_fault() -> None:
    supervisor = Supervisor(FakeClock(), SETTINGS)
    task = supervisor.keep("alerting", asyncio.Event().wait)  # type: ignore[arg-type]  # what it returns is nobody's
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert supervisor.faults == ()


@both_kinds
async def test_an_operation_whose_task_fails_needs_attention_and_lets_go_of_its_vm(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    site.add()
    await site.start()

    async def die(_: OperationRunner) -> None:
        raise error

    monkeypatch.setattr(OperationRunner, "carry_out", die)
    ended = await site.do(PauseVm(vm=VM, host=A))
    assert ended.state is OperationState.NEEDS_ATTENTION
    assert str(error) in ended.outcome
    assert "Traceback" in caplog.text
    monkeypatch.undo()
    again = await site.do(PauseVm(vm=VM, host=A))
    assert again.state is OperationState.DONE
    assert site.state(VM) is VmState.PAUSED
