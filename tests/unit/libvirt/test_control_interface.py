"""A VM whose QEMU another call holds is not asked: the answer would be half a minute of silence."""

import asyncio
from types import SimpleNamespace
from typing import Any

import libvirt
import pytest

from novacron.adapters.libvirt.control_interface import busy_for_s
from novacron.adapters.libvirt.hypervisor import LibvirtHypervisor
from novacron.adapters.libvirt.local_access import UriAccess
from novacron.model.errors import OperationError, OutcomeUnknown
from novacron.model.host import HostSpec
from novacron.model.ids import HostId
from novacron.model.migration import MigrationMode
from novacron.ports.hypervisor import MigrationRequest
from tests.builders import an_id
from tests.fake_clock import FakeClock

S = 5.0
VM = an_id("web-1")
FREE = (libvirt.VIR_DOMAIN_CONTROL_OK, 0, 0)


class _Domain:
    """Says who holds it; whoever asks its QEMU while it is held has lost."""

    def __init__(self, *words: tuple[int, int, int] | None) -> None:
        self._words = list(words)
        self._held = True
        self.aborted = False

    def controlInfo(self, flags: int) -> tuple[int, int, int]:  # noqa: N802 - libvirt's name
        word = self._words.pop(0) if len(self._words) > 1 else self._words[0]
        if word is None:
            raise libvirt.libvirtError("Requested operation is not valid: domain is not running")
        self._held = word[0] != libvirt.VIR_DOMAIN_CONTROL_OK
        return word

    def jobStats(self, flags: int) -> dict[str, Any]:  # noqa: N802 - as above
        assert not self._held, "this hangs"
        return {"type": 2, "time_elapsed": 3000}

    def abortJob(self) -> None:  # noqa: N802 - as above
        assert not self._held, "this hangs"
        self.aborted = True

    def isPersistent(self) -> bool:  # noqa: N802 - as above
        return True


class _Channel:
    """A channel to one domain; `breaks` is what every call on it ends with."""

    def __init__(self, domain: _Domain, breaks: OutcomeUnknown | None = None, *, closed: bool = False) -> None:
        self._domain, self._breaks = domain, breaks
        self.is_closed = closed

    async def call(self, what: str, work: Any, **_: object) -> Any:
        if self._breaks is not None:
            raise self._breaks from libvirt.libvirtError("unable to connect to server at 'kvm-2:49152'")
        return await asyncio.to_thread(work, SimpleNamespace(lookupByUUIDString=lambda _: self._domain))

    def abort(self) -> None:
        self.is_closed = True


class _Access(UriAccess):
    """A way to a host on which migrations get a channel of their own."""

    def __init__(self, spec: HostSpec, channel: Any) -> None:
        super().__init__(spec)
        self.channel = channel

    async def open_channel(self, *, deadline_s: float) -> Any:
        return self.channel


def _host(domain: _Domain, clock: FakeClock, channel: Any = None, name: str = "kvm-1") -> LibvirtHypervisor:
    spec = HostSpec(id=HostId(name), ssh=name, peer_uri=f"qemu+ssh://{name}/system")
    channel = channel or _Channel(domain)
    return LibvirtHypervisor(spec, _Access(spec, channel), channel, clock)


@pytest.mark.parametrize("state", [libvirt.VIR_DOMAIN_CONTROL_JOB, libvirt.VIR_DOMAIN_CONTROL_OCCUPIED])
def test_it_is_held_when_a_call_has_had_it_for_long(state: int) -> None:
    assert busy_for_s(_Domain((state, 0, 117_904))) == pytest.approx(117.904)


def test_it_may_be_asked_when_it_is_free_or_soon_let_go_of_or_nobody_can_tell() -> None:
    briefly = (libvirt.VIR_DOMAIN_CONTROL_JOB, 0, 5)
    for words in ((FREE,), (briefly, briefly, FREE), (None,), ((libvirt.VIR_DOMAIN_CONTROL_ERROR, 0, 60_000),)):
        assert busy_for_s(_Domain(*words)) is None


async def test_how_far_a_job_is_that_cannot_be_asked_is_how_long_it_has_been_so(clock: FakeClock) -> None:
    job = await _host(_Domain((libvirt.VIR_DOMAIN_CONTROL_JOB, 0, 9000)), clock).migration.job(VM, deadline_s=S)
    assert job is not None
    assert (job.elapsed_s, job.memory_total_mib, job.rate_mib_s) == (9.0, None, None)
    free = await _host(_Domain(FREE), clock).migration.job(VM, deadline_s=S)
    assert free is not None
    assert free.elapsed_s == 3.0


async def test_a_job_that_cannot_be_asked_is_not_aborted_now(clock: FakeClock) -> None:
    with pytest.raises(OperationError, match="held by another call for 9 s"):
        await _host(_Domain((libvirt.VIR_DOMAIN_CONTROL_JOB, 0, 9000)), clock).migration.abort(VM, deadline_s=S)
    free = _Domain(FREE)
    await _host(free, clock).migration.abort(VM, deadline_s=S)
    assert free.aborted


@pytest.mark.parametrize("mode", [MigrationMode.PEER_TO_PEER, MigrationMode.DIRECT])
@pytest.mark.parametrize("ours_broke", [False, True])
async def test_whose_connection_broke_under_a_migration_is_told_apart(
    clock: FakeClock, mode: MigrationMode, ours_broke: bool
) -> None:
    lost = OutcomeUnknown("kvm-1", "the connection broke while migrating it", "it is looked at again")
    channel = _Channel(_Domain(FREE), lost, closed=ours_broke)
    source, destination = _host(_Domain(FREE), clock, channel), _host(_Domain(FREE), clock, name="kvm-2")
    request = MigrationRequest(vm=VM, mode=mode, copy_storage=False)
    with pytest.raises(OutcomeUnknown if ours_broke else OperationError) as caught:
        await source.migration.start(request, destination, deadline_s=S)
    if not ours_broke:
        said = caught.value
        assert said.detail == "its way to kvm-2 broke: unable to connect to server at 'kvm-2:49152'"
        assert said.remedy == "let kvm-1 and kvm-2 reach each other, or migrate relayed"
