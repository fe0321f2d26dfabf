"""Fewer sessions than are wanted, from OpenSSH's own server: work waits its turn, and the connection stays."""

import asyncio
from pathlib import Path

import psutil
import pytest

from novacron.adapters.libvirt.ssh_access import SshAccess
from novacron.adapters.ssh.connection import SshConnection, SshResult
from novacron.model.errors import DeadlineExceeded, LinkError
from novacron.model.link import LinkStatus
from tests.unit.ssh.openssh import openssh
from tests.unit.ssh.sshd import Home

DEADLINE_S = 30.0
AT_ONCE = 4


async def _run_many(connection: SshConnection) -> list[SshResult]:
    """Run more commands at once than any limit here permits; each is long enough to meet the others."""
    commands = (("sh", "-c", f"sleep 0.1; echo {number}") for number in range(AT_ONCE))
    return await asyncio.gather(*(connection.run(command, deadline_s=DEADLINE_S) for command in commands))


@pytest.mark.parametrize("most", [1, 2, 3])
async def test_commands_wait_for_each_other_where_sshd_allows_few_sessions(
    home: Home, most, caplog: pytest.LogCaptureFixture
):
    async with openssh(home, f"MaxSessions {most}") as spec:
        connection = await SshConnection.open(spec, deadline_s=DEADLINE_S)
        assert connection.limits == ()
        for _ in range(2):
            done = await _run_many(connection)
            assert [one.stdout for one in done] == [b"%d\n" % number for number in range(AT_ONCE)]
        (limit,) = connection.limits
        assert f"allows {'one session' if most == 1 else f'{most} sessions'} at once" in limit
        assert "MaxSessions 10" in limit
        logged = [record for record in caplog.records if record.message == "sshd limits sessions"]
        assert [vars(record)["limits"] for record in logged] == [(limit,)], "it is logged, and once"
        connection.abort()
        assert (home.folder / "sshd.log").read_text().count("Accepted publickey") == 1, "one connection is enough"


async def test_nothing_is_said_where_nothing_is_refused(home: Home):
    async with openssh(home) as spec:
        connection = await SshConnection.open(spec, deadline_s=DEADLINE_S)
        await _run_many(connection)
        assert connection.limits == ()
        connection.abort()


@pytest.mark.parametrize("most", [1, 2])
async def test_helpers_that_hold_all_sessions_leave_room_for_commands_and_for_each_other(home: Home, most):
    async with openssh(home, f"MaxSessions {most}", "AllowStreamLocalForwarding no") as spec:
        connection = await SshConnection.open(spec, deadline_s=DEADLINE_S)
        helpers = [await connection.open_helper(("cat",)) for _ in range(3)]
        done = await _run_many(connection)
        assert [one.stdout for one in done] == [b"%d\n" % number for number in range(AT_ONCE)]
        for reader, writer in helpers:
            writer.write(b"still there")
            writer.write_eof()
            async with asyncio.timeout(DEADLINE_S):
                assert await reader.read(-1) == b"still there"
        connection.abort()


def _open_connections(port: int) -> int:
    return len([one for one in psutil.Process().net_connections("tcp") if one.raddr and one.raddr.port == port])


async def test_a_connection_that_is_dropped_while_it_makes_another_one_leaves_none_open(home: Home):
    async with openssh(home, "MaxSessions 1", "AllowStreamLocalForwarding no") as spec:
        port = int(spec.ssh.rpartition(":")[2])
        connection = await SshConnection.open(spec, deadline_s=DEADLINE_S)
        await connection.open_helper(("cat",))
        asking = asyncio.ensure_future(connection.open_helper(("cat",)))
        async with asyncio.timeout(DEADLINE_S):
            while _open_connections(port) < 2:  # noqa: ASYNC110 - nobody is told that another one is being made
                await asyncio.sleep(0)
        connection.abort()
        with pytest.raises(LinkError):
            await asking
        await asyncio.sleep(0)
        assert _open_connections(port) == 0


async def test_a_second_connection_that_broke_is_made_again_for_all_who_wait_for_a_session(home: Home):
    async with openssh(home, "MaxSessions 2", "AllowStreamLocalForwarding no") as spec:
        connection = await SshConnection.open(spec, deadline_s=DEADLINE_S)
        await _run_many(connection)
        for _ in range(2):
            await connection.open_helper(("cat",))
        (second,) = connection._sessions[1:]
        stubborn = ("sh", "-c", "trap '' TERM; sleep 8; sleep 8")
        hanging = asyncio.ensure_future(connection.run(stubborn, deadline_s=1.0))
        waiting = asyncio.ensure_future(_run_many(connection))
        await asyncio.sleep(0)
        second.connection.abort()
        with pytest.raises(DeadlineExceeded):
            await hanging
        assert [one.stdout for one in await waiting] == [b"%d\n" % number for number in range(AT_ONCE)]
        connection.abort()


async def test_a_command_that_waits_for_its_turn_too_long_says_what_limits_it(home: Home):
    async with openssh(home, "MaxSessions 1") as spec:
        connection = await SshConnection.open(spec, deadline_s=DEADLINE_S)
        begun = home.folder / "begun"
        command = ("sh", "-c", 'touch "$1" && sleep 60', "sh", str(begun))
        first = asyncio.ensure_future(connection.run(command, deadline_s=DEADLINE_S))
        while not begun.exists():  # noqa: ASYNC110 - a file tells of itself to nobody
            await asyncio.sleep(0.01)
        with pytest.raises(DeadlineExceeded, match="allows one session at once"):
            await connection.run(("true",), deadline_s=0.5)
        first.cancel()
        connection.abort()


async def test_a_session_that_opens_too_late_for_who_asked_is_not_held(home: Home):
    async with openssh(home, "MaxSessions 1") as spec:
        connection = await SshConnection.open(spec, deadline_s=DEADLINE_S)
        asking = asyncio.ensure_future(connection.run(("sleep", "60"), deadline_s=DEADLINE_S))
        await asyncio.sleep(0)
        asking.cancel()
        assert (await connection.run(("echo", "on"), deadline_s=DEADLINE_S)).stdout == b"on\n"
        connection.abort()


async def test_a_command_that_cannot_be_ended_there_costs_no_other_command_its_turn(home: Home):
    """As root OpenSSH passes on no signal, and no signal reaches who waits for a dead file server."""
    async with openssh(home, "MaxSessions 1") as spec:
        connection = await SshConnection.open(spec, deadline_s=DEADLINE_S)
        with pytest.raises(DeadlineExceeded):
            await connection.run(("sh", "-c", "trap '' TERM; sleep 8; sleep 8"), deadline_s=1.0)
        assert (await connection.run(("echo", "on"), deadline_s=DEADLINE_S)).stdout == b"on\n"
        connection.abort()


async def test_a_command_is_ended_on_the_host_when_its_deadline_has_passed(home: Home):
    async with openssh(home) as spec:
        connection = await SshConnection.open(spec, deadline_s=DEADLINE_S)
        pid_file = home.folder / "pid"
        with pytest.raises(DeadlineExceeded):
            await connection.run(("sh", "-c", 'echo $$ > "$1"; exec sleep 300', "sh", str(pid_file)), deadline_s=1.0)
        process = Path("/proc", pid_file.read_text().strip())
        async with asyncio.timeout(DEADLINE_S):
            while process.exists():  # noqa: ASYNC110, ASYNC240 - a process tells of its end to its parent alone
                await asyncio.sleep(0.05)
        connection.abort()


async def test_a_host_whose_sshd_opens_no_session_at_all_is_told_so(home: Home):
    async with openssh(home, "MaxSessions 0") as spec:
        with pytest.raises(LinkError, match="opens no session") as caught:
            await SshAccess.open(spec, deadline_s=DEADLINE_S)
    assert caught.value.status is LinkStatus.NO_PERMISSION
    assert "MaxSessions" in caught.value.remedy


async def test_force_command_is_named(home: Home):
    async with openssh(home, "ForceCommand echo Backups only!") as spec:
        with pytest.raises(LinkError, match='printed "Backups only!"') as caught:
            await SshAccess.open(spec, deadline_s=DEADLINE_S)
    assert "ForceCommand" in caught.value.remedy


async def test_the_hosts_condition_is_read_where_sshd_allows_one_session(home: Home):
    async with openssh(home, "MaxSessions 1") as spec:
        connection = await SshConnection.open(spec, deadline_s=DEADLINE_S)
        access = SshAccess(spec, connection, lambda: connection.open_socket("/nowhere"))
        loads = await asyncio.gather(*(access.host_load(deadline_s=DEADLINE_S) for _ in range(3)))
        assert None not in [load.load_1m for load in loads]
        assert access.limits == connection.limits != ()
        access.abort()
