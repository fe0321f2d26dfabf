"""A program that stays on the host: one session and no process for each answer, and room for others before itself."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from novacron.adapters.libvirt.host_load import ANSWERING_COMMAND, COMMAND, parse
from novacron.adapters.libvirt.ssh_access import SshAccess
from novacron.adapters.ssh.asked_program import AskedProgram
from novacron.adapters.ssh.connection import SshConnection
from novacron.adapters.ssh.sessions import Sessions
from novacron.model.errors import DeadlineExceeded
from tests.unit.ssh.openssh import openssh
from tests.unit.ssh.sshd import Home, Sshd

DEADLINE_S = 20.0
ECHO = ("sh", "-c", 'n=0; while read -r _; do n=$((n+1)); echo "answer $n"; echo "$1"; done', "sh")


@pytest.fixture
async def connection(home: Home, sshd: Sshd) -> AsyncIterator[SshConnection]:
    """To a host whose login shell prints what nobody asked for."""
    script = home.folder / "login-shell"
    script.write_text('#!/bin/sh\necho welcome\nexec /bin/sh "$@"\n')
    script.chmod(0o755)
    sshd.shell = str(script)
    home.trust(sshd)
    connection = await SshConnection.open(home.spec(sshd), deadline_s=DEADLINE_S)
    yield connection
    connection.abort()


@pytest.fixture
def sessions_opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command line of each session that was asked for."""
    lines: list[str] = []
    create = Sessions._create

    async def counted(self: Sessions, line: str) -> object:
        lines.append(line)
        return await create(self, line)

    monkeypatch.setattr(Sessions, "_create", counted)
    return lines


async def test_all_questions_are_answered_in_one_session(home: Home, sshd: Sshd, connection, sessions_opened):
    program = AskedProgram(home.spec(sshd), connection, ECHO)
    answers = [await program.ask(deadline_s=DEADLINE_S) for _ in range(3)]
    assert answers == [b"answer 1\n", b"answer 2\n", b"answer 3\n"]
    assert len(sessions_opened) == 1


async def test_the_hosts_condition_costs_no_session_after_the_first_reading(
    home: Home, sshd: Sshd, connection, sessions_opened
):
    access = SshAccess(home.spec(sshd), connection, lambda: connection.open_socket("/nowhere"))
    first = await access.host_load(deadline_s=DEADLINE_S)
    while not (await access.host_load(deadline_s=DEADLINE_S)).root_path:
        pass
    opened = len(sessions_opened)
    loads = [await access.host_load(deadline_s=DEADLINE_S) for _ in range(5)]
    assert first.load_1m is not None
    assert None not in [load.memory_used_mib for load in loads]
    assert len(sessions_opened) == opened == 2, "one that stays, and one that asked for file systems"


async def test_it_tells_what_the_command_tells(home: Home, sshd: Sshd, connection):
    asked = await AskedProgram(home.spec(sshd), connection, ANSWERING_COMMAND).ask(deadline_s=DEADLINE_S)
    assert asked is not None
    ran = (await connection.run(COMMAND, deadline_s=DEADLINE_S)).stdout

    def known(text: bytes) -> set[str]:
        load, times = parse(text.decode(), None)
        return {name for name in ("load_1m", "memory_used_mib", "pressure_cpu") if getattr(load, name) is not None} | (
            {"times"} if times else set()
        )

    assert known(asked) == known(ran) >= {"load_1m", "memory_used_mib", "times"}


async def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one(home: Home, sshd: Sshd, connection):
    go = home.folder / "go"
    slow = ("sh", "-c", f'while read -r _; do while [ ! -e {go} ]; do sleep 0.05; done; echo $$; echo "$1"; done', "sh")
    program = AskedProgram(home.spec(sshd), connection, slow)
    with pytest.raises(DeadlineExceeded):
        await program.ask(deadline_s=0.5)
    go.touch()
    first = await program.ask(deadline_s=DEADLINE_S)
    assert first is not None
    assert first == await program.ask(deadline_s=DEADLINE_S)
    assert len(first.splitlines()) == 1


async def test_a_host_where_it_does_not_stay_is_left_alone_for_a_while(
    home: Home, sshd: Sshd, connection, sessions_opened
):
    program = AskedProgram(home.spec(sshd), connection, ("sh", "-c", "read -r _", "sh"))
    assert [await program.ask(deadline_s=DEADLINE_S) for _ in range(3)] == [None, None, None]
    assert len(sessions_opened) == 1


async def test_it_gives_its_session_to_whoever_is_refused_one(home: Home):
    async with openssh(home, "MaxSessions 1") as spec:
        connection = await SshConnection.open(spec, deadline_s=DEADLINE_S)
        program = AskedProgram(spec, connection, ECHO)
        assert await program.ask(deadline_s=DEADLINE_S) == b"answer 1\n"
        done = await asyncio.gather(*(connection.run(("echo", "on"), deadline_s=DEADLINE_S) for _ in range(3)))
        assert [one.stdout for one in done] == [b"on\n"] * 3
        assert await program.ask(deadline_s=DEADLINE_S) is None
        assert len(connection._sessions) == 1, "no second connection for its sake"
        connection.abort()
