"""A VM that is busy with something else: what may be asked again is, some times; what may not fails at once."""

import pytest

from novacron.model.errors import Busy
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.definition import SetAutostart
from novacron.model.operations.intent import Intent
from novacron.model.operations.power import PauseVm
from tests.builders import an_id
from tests.engine.site import SETTINGS, A, Site
from tests.engine.test_flapping_link import FlappingGateway

VM = an_id("web-1")
AUTOSTART = SetAutostart(vm=VM, host=A, enabled=True)


async def _do_while_busy(site: Site, intent: Intent, what: str, times: int) -> tuple[Operation, FlappingGateway]:
    gateway = FlappingGateway(site.world, what, times, Busy)
    site.gateway, site.only = gateway, (A,)
    site.add(pool="local")
    await site.start()
    return await site.do(intent), gateway


async def test_what_may_be_repeated_is_asked_again_until_its_vm_is_free(site: Site) -> None:
    ended, gateway = await _do_while_busy(site, AUTOSTART, "autostart", SETTINGS.repeat_most - 1)
    assert ended.state is OperationState.DONE, ended.outcome
    assert gateway.flaps_left == 0
    assert site.world.host(A).machines[VM].autostart


@pytest.mark.parametrize(
    ("intent", "what", "asked"), [(AUTOSTART, "autostart", SETTINGS.repeat_most), (PauseVm(vm=VM, host=A), "pause", 1)]
)
async def test_it_is_asked_a_bounded_number_of_times_and_once_where_it_may_not_be_repeated(
    site: Site, intent: Intent, what: str, asked: int
) -> None:
    ended, gateway = await _do_while_busy(site, intent, what, 1000)
    assert ended.state is OperationState.FAILED
    assert gateway.flaps_left == 1000 - asked
