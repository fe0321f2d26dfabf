"""A cancel that was acknowledged holds over any number of restarts."""

from novacron.model.operation import OperationState
from novacron.model.operations.creation import CreateVm
from tests.builders import an_id
from tests.callers import ALICE
from tests.engine.site import A, a_site

VM = an_id("web-1")
CREATE = CreateVm(
    vm=VM, host=A, name="web-1", pool="shared", disk_mib=64, base_volume="debian-12.qcow2", network="default"
)


async def test_a_cancelled_creation_is_taken_back_though_the_backend_dies_again_while_it_settles() -> None:
    site = a_site()
    await site.start()
    operation = await site.accepted(CREATE)
    await site.clock.advance(0.1)
    await site.clock.run(site.service.cancel(ALICE, operation))
    await site.kill()
    site.world.black_hole(A)
    await site.start()
    await site.clock.advance(5)
    await site.kill()
    site.world.heal(A)
    await site.start()
    ended = await site.ended(operation)
    assert ended.state is OperationState.CANCELLED
    assert site.state(VM) is None
    assert "/srv/shared/web-1.qcow2" not in site.world.host(A).pool("shared").store.volumes
    await site.kill()
