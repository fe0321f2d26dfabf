"""Serial consoles: they answer, one reader each, and end with what they belong to."""

import asyncio
from contextlib import suppress

import pytest

from novacron.model.errors import Conflict, NovaCronError, OperationError
from novacron.ports.hypervisor import SerialLink
from tests.contract.hypervisor_pair import DEADLINE_S, HypervisorPair


async def _ends(link: SerialLink) -> bool:
    async with asyncio.timeout(DEADLINE_S):
        while await link.read():
            pass
    return True


async def test_the_console_answers_to_enter(pair: HypervisorPair) -> None:
    intent = await pair.a_running_vm()
    link = await pair.a.serial.open(intent.vm, force=False, deadline_s=DEADLINE_S)
    assert await pair.hears(link, b"", typing=b"\r", any_of=(b"login:", b"# "))
    await link.close()


async def test_what_is_typed_is_echoed(pair: HypervisorPair) -> None:
    intent = await pair.a_booted_vm()
    link = await pair.a.serial.open(intent.vm, force=False, deadline_s=DEADLINE_S)
    await link.write(b"root\r")
    await link.write(b"echo knock-knock\r")
    assert await pair.hears(link, b"knock-knock")
    await link.close()


async def test_a_closed_console_reads_as_its_end(pair: HypervisorPair) -> None:
    intent = await pair.a_running_vm()
    link = await pair.a.serial.open(intent.vm, force=False, deadline_s=DEADLINE_S)
    await link.close()
    assert await _ends(link)


async def test_closing_wakes_a_pending_read(pair: HypervisorPair) -> None:
    intent = await pair.a_running_vm()
    link = await pair.a.serial.open(intent.vm, force=False, deadline_s=DEADLINE_S)
    pending = asyncio.ensure_future(_ends(link))
    await pair.clock.sleep(0.2)
    await link.close()
    assert await pending


async def test_a_second_reader_is_a_conflict_unless_it_takes_over(pair: HypervisorPair) -> None:
    intent = await pair.a_booted_vm()
    first = await pair.a.serial.open(intent.vm, force=False, deadline_s=DEADLINE_S)
    other = await pair.connect(pair.specs[0])
    with pytest.raises(Conflict):
        await other.serial.open(intent.vm, force=False, deadline_s=DEADLINE_S)
    taken = await other.serial.open(intent.vm, force=True, deadline_s=DEADLINE_S)
    assert await _ends(first)
    assert await pair.hears(taken, b"", typing=b"\r", any_of=(b"login:", b"# "))
    await taken.close()


async def test_the_console_ends_when_the_vm_is_forced_off(pair: HypervisorPair) -> None:
    intent = await pair.a_running_vm()
    link = await pair.a.serial.open(intent.vm, force=False, deadline_s=DEADLINE_S)
    await pair.a.power.force_off(intent.vm, deadline_s=DEADLINE_S)
    assert await _ends(link)


async def test_what_is_off_has_no_console(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm()
    with pytest.raises(OperationError):
        await pair.a.serial.open(intent.vm, force=False, deadline_s=DEADLINE_S)


async def test_the_console_ends_with_its_connection(pair: HypervisorPair) -> None:
    intent = await pair.a_running_vm()
    other = await pair.connect(pair.specs[0])
    link = await other.serial.open(intent.vm, force=False, deadline_s=DEADLINE_S)
    await other.close()
    with suppress(NovaCronError):  # saying so is as good as ending
        assert await _ends(link)
