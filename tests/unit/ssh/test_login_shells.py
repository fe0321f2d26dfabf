"""Commands through login shells of every kind, and through start-up files that print what nobody asked for."""

import shutil

import pytest

from novacron.adapters.libvirt.ssh_access import SshAccess
from novacron.adapters.ssh.connection import SshConnection
from novacron.model.errors import LinkError
from novacron.model.link import LinkStatus
from tests.unit.ssh.sshd import Home, Sshd

DEADLINE_S = 20.0
ODD_WORDS = (
    "printf",
    "%s|",
    "it's",
    "a\nb",
    "wow!",
    "$HOME",
    "~",
    "`id`",
    "\\",
    "\\'",
    '"',
    "{a,b}",
    "*",
    "é",
    "",
    "%d",
)
SAID = "".join(f"{word}|" for word in ODD_WORDS[2:]).encode()
SHELLS = ("sh", "bash", "rbash", "zsh", "csh", "tcsh", "fish")
NOISY_SHELLS = {
    "a line before": 'echo "Welcome to $0"; exec /bin/sh "$@"',
    "no final newline before": 'printf "last login: never"; exec /bin/sh "$@"',
    "noise on both streams": 'echo hello; echo warning >&2; exec /bin/sh "$@"',
    "a line after": '/bin/sh "$@"; status=$?; echo bye; echo bye >&2; exit $status',
    "another status": '/bin/sh "$@"; exit 42',
    "the command itself": 'echo "$@"; echo "$@" >&2; exec /bin/sh "$@"',
    "a trace": 'exec /bin/sh -vx "$@"',
    "a hundred kilobytes": 'yes ................................ | head -n 3000; exec /bin/sh "$@"',
    "what outlives it": 'sleep 300 & exec /bin/sh "$@"',
    "what takes the input": 'read -r line; exec /bin/sh "$@"',
}


def _shell(home: Home, script: str) -> str:
    path = home.folder / "login-shell"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


async def _connect(home: Home, sshd: Sshd, *ssh_config: str) -> SshConnection:
    home.configure(*ssh_config)
    home.trust(sshd)
    return await SshConnection.open(home.spec(sshd), deadline_s=DEADLINE_S)


@pytest.mark.parametrize("name", SHELLS)
async def test_every_shell_hands_on_every_word_as_it_is(home: Home, sshd: Sshd, name):
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    sshd.shell, sshd.user_home = found, home.folder
    connection = await _connect(home, sshd)
    done = await connection.run(ODD_WORDS, deadline_s=DEADLINE_S)
    assert (done.exit_status, done.stdout, done.stderr) == (0, SAID, b"")
    done = await connection.run(("sh", "-c", "printf oops >&2; exit 7"), deadline_s=DEADLINE_S)
    assert (done.exit_status, done.stdout, done.stderr) == (7, b"", b"oops")
    connection.abort()


@pytest.mark.parametrize("script", NOISY_SHELLS.values(), ids=NOISY_SHELLS.keys())
async def test_what_a_login_shell_prints_is_not_taken_for_the_commands_output(home: Home, sshd: Sshd, script):
    sshd.shell = _shell(home, script)
    connection = await _connect(home, sshd)
    done = await connection.run(("sh", "-c", "echo first; printf last; printf no >&2; exit 3"), deadline_s=DEADLINE_S)
    assert (done.exit_status, done.stdout) == (3, b"first\nlast")
    assert done.stderr == b"no"
    assert (await connection.run(("test", "-e", "/nowhere"), deadline_s=DEADLINE_S)).exit_status == 1
    connection.abort()


async def test_an_echo_in_bashrc_is_not_taken_for_a_pools_folder(home: Home, sshd: Sshd):
    if (bash := shutil.which("bash")) is None:
        pytest.skip("bash is not installed")
    (home.folder / ".bashrc").write_text("echo welcome\necho careful >&2\nprintf '$ '\n")
    sshd.shell, sshd.user_home = bash, home.folder
    connection = await _connect(home, sshd)
    done = await connection.run(("stat", "--format", "%n", "--", "/"), deadline_s=DEADLINE_S)
    assert (done.stdout, done.stderr) == (b"/\n", b"")
    connection.abort()


@pytest.mark.parametrize("option", ["RequestTTY force", "RequestTTY yes", "ForwardX11 yes"])
async def test_no_terminal_is_asked_for_whatever_the_ssh_configuration_wants(home: Home, sshd: Sshd, option):
    connection = await _connect(home, sshd, option)
    done = await connection.run(("printf", "/\n"), deadline_s=DEADLINE_S)
    assert (done.stdout, sshd.terminals) == (b"/\n", 0)
    connection.abort()


async def test_bytes_of_a_name_that_is_no_text_arrive(home: Home, sshd: Sshd):
    connection = await _connect(home, sshd)
    done = await connection.run(("printf", "%s", "a\udcffb"), deadline_s=DEADLINE_S)
    assert done.stdout == b"a\xffb"
    connection.abort()


async def test_input_reaches_the_command(home: Home, sshd: Sshd):
    connection = await _connect(home, sshd)
    assert (await connection.run(("cat",), deadline_s=DEADLINE_S, stdin=b"typed")).stdout == b"typed"
    connection.abort()


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        ("echo; echo This account is currently not available.; exit 1", '"This account is currently not available."'),
        ("echo Backups only! >&2", '"Backups only!"'),
        ("exit 0", "it printed nothing"),
    ],
    ids=["nologin", "ForceCommand", "false"],
)
async def test_a_login_shell_that_runs_no_commands_is_named_with_what_to_do(home: Home, sshd: Sshd, script, printed):
    sshd.shell = _shell(home, script)
    home.trust(sshd)
    with pytest.raises(LinkError) as caught:
        await SshAccess.open(home.spec(sshd, socket=str(home.folder / "x")), deadline_s=DEADLINE_S)
    error = caught.value
    assert (error.subject, error.status) == ("kvm-1", LinkStatus.NO_PERMISSION)
    assert "the login shell of ada did not run" in error.detail
    assert printed in error.detail
    assert "ForceCommand" in error.remedy
    assert "echo yes" in error.remedy


async def test_a_login_shell_that_never_stops_printing_is_given_up(home: Home, sshd: Sshd):
    sshd.shell = _shell(home, "exec yes")
    connection = await _connect(home, sshd)
    with pytest.raises(LinkError, match="printed more than can be read"):
        await connection.run(("true",), deadline_s=DEADLINE_S)
    connection.abort()


@pytest.mark.parametrize("script", [NOISY_SHELLS["a line before"], NOISY_SHELLS["the command itself"]])
async def test_a_helpers_stream_begins_with_its_own_first_byte(home: Home, sshd: Sshd, script):
    sshd.shell = _shell(home, script)
    connection = await _connect(home, sshd)
    reader, writer = await connection.open_helper(("sh", "-c", "printf speaks; cat"))
    writer.write(b" and answers")
    writer.write_eof()
    assert await reader.read(-1) == b"speaks and answers"
    connection.abort()


async def test_a_helper_that_the_login_shell_does_not_run_is_named(home: Home, sshd: Sshd):
    sshd.shell = _shell(home, "echo Backups only!")
    connection = await _connect(home, sshd)
    with pytest.raises(LinkError, match='did not run `virt-ssh-helper`: it printed "Backups only!"'):
        await connection.open_helper(("virt-ssh-helper",))
    connection.abort()
