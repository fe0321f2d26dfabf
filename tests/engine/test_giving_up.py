"""Operations whose host never returns: they wait for ever, unless somebody gives them up or takes the host out."""

from novacron.model.operation import Operation, OperationState
from novacron.model.operations.power import ForceOffVm
from novacron.model.operations.registry import claims_unread
from novacron.model.operations.storage import DeleteVolume
from novacron.model.vm import VmState
from tests.builders import an_id
from tests.callers import ALICE, BOB
from tests.engine.site import A, B, Site, migrate
from tests.operation_builders import an_operation

VM = an_id("web-1")


async def _lost_in_mid_call(site: Site) -> Operation:
    """Have a host fall silent while a VM on it is being forced off."""
    site.add()
    await site.start()
    site.world.slow(A, 2.0)
    operation = await site.accepted(ForceOffVm(vm=VM, host=A))
    await site.clock.advance(2.5)
    site.world.black_hole(A)
    await site.clock.advance(120)
    return await site.operation(operation)


async def test_an_operation_that_waits_for_a_dead_host_is_given_up_on_request_and_lets_go(site: Site) -> None:
    waiting = await _lost_in_mid_call(site)
    assert waiting.progress.waits_for == A
    assert not waiting.can_cancel
    await site.clock.run(site.service.cancel(ALICE, waiting.id))
    ended = await site.ended(waiting.id, limit_s=30)
    assert ended.state is OperationState.NEEDS_ATTENTION
    assert "kvm-a" in ended.outcome
    assert "not known" in ended.outcome
    site.world.heal(A)
    await site.clock.advance(120)
    await site.do(ForceOffVm(vm=VM, host=A))
    assert site.state(VM) is VmState.SHUT_OFF


async def test_nothing_is_given_up_while_its_host_answers(site: Site) -> None:
    waiting = await _lost_in_mid_call(site)
    site.world.heal(A)
    await site.clock.advance(120)
    assert (await site.operation(waiting.id)).progress.waits_for == ""


async def test_a_migration_is_first_asked_to_stop_and_given_up_when_asked_again(site: Site) -> None:
    site.add()
    site.alter(VM, memory_mib=65536, memory_max_mib=65536)
    await site.start()
    operation = await site.accepted(migrate(VM))
    await site.clock.advance(5)
    await site.kill()
    site.world.black_hole(A)
    await site.start()
    await site.clock.advance(120)
    await site.clock.run(site.service.cancel(ALICE, operation))
    await site.clock.advance(60)
    assert not (await site.operation(operation)).has_ended
    await site.clock.run(site.service.cancel(BOB, operation))
    ended = await site.ended(operation, limit_s=30)
    assert ended.state is OperationState.NEEDS_ATTENTION
    # Who asked for what is in the journal: the next backend knows it too.
    await site.kill()
    await site.start()
    journaled = await site.operation(operation)
    assert (journaled.actor, journaled.cancel_asked.actor, journaled.give_up_asked.actor) == ("alice", "alice", "bob")
    assert journaled.accepted_at < journaled.cancel_asked.at < journaled.give_up_asked.at
    assert "given up" in ended.outcome


async def test_an_operation_whose_host_left_the_fleet_ends_and_says_so(site: Site) -> None:
    waiting = await _lost_in_mid_call(site)
    await site.kill()
    site.only = (B,)
    await site.start()
    ended = await site.ended(waiting.id, limit_s=60)
    assert ended.state is OperationState.NEEDS_ATTENTION
    assert "fleet.toml" in ended.outcome


def test_a_restarted_operation_holds_what_it_may_touch_before_any_host_is_read() -> None:
    deletion = an_operation(intent=DeleteVolume(host=A, pool="vm", volume="base.qcow2"))
    claims = claims_unread(deletion)
    assert claims.holds == {"pool:kvm-a/vm"}
    assert not claims.uses
