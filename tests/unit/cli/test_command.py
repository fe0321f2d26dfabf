"""The command itself: what it loads, how it is told which fleet is meant, completion, and broken configuration."""

import json
import os
import subprocess
import sys

import pytest

from novacron.cli.options import fleet_options
from novacron.engine.clock import SystemClock
from novacron.model.errors import ExitCode
from novacron.runtime.gateways import hosts_and_gateway
from tests.unit.cli.conftest import FLEET

_HEAVY = ("textual", "libvirt", "sqlalchemy", "fastapi", "asyncssh", "uvicorn", "alembic", "websockets", "httpx2")


@pytest.mark.parametrize("words", [["--help"], ["vms", "--help"], ["--version"]])
def test_saying_what_it_can_do_loads_no_screen_no_hypervisor_and_no_server(words):
    program = (
        "import sys\n"
        "from novacron.cli.main import app\n"
        "try:\n"
        f"    app({words!r})\n"
        "except SystemExit as end:\n"
        f"    loaded = [name for name in {_HEAVY!r} if name in sys.modules]\n"
        "    print(loaded, end.code, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[] 0"
    assert done.stdout


def test_every_verb_explains_itself(bare_novacron):
    from typer.main import get_command

    from novacron.cli.main import app

    for verb in get_command(app).commands:  # type: ignore[attr-defined]
        result = bare_novacron(verb, "--help")
        assert result.exit_code == ExitCode.OK
        assert "Usage" in result.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("--simulated", "--connect", "x", "vms"),
        ("--fleet", "f", "--connect", "x", "vms"),
        ("--simulated-size", "many", "vms"),
        ("--simulated-size", "0x5", "vms"),
        ("--simulated-size", "500x10000", "vms"),
        ("--simulated-churn", "101", "vms"),
        ("--simulated-churn", "1", "--connect", "x", "vms"),
        ("no-such-verb",),
    ],
)
def test_nonsense_on_the_command_line_is_a_usage_error(bare_novacron, words):
    assert bare_novacron(*words).exit_code == ExitCode.USAGE


def test_the_console_without_a_terminal_says_so_and_starts_nothing(tmp_path):
    environment = {**os.environ, "NOVACRON_RUNTIME_DIR": str(tmp_path / "r"), "NOVACRON_STATE_DIR": str(tmp_path / "s")}
    command = [sys.executable, "-m", "novacron.cli.main", "--simulated"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, env=environment, check=False
    )
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    assert "no terminal" in done.stderr
    assert not list(tmp_path.rglob("*.sock"))


def test_a_fleet_named_by_the_environment_gives_way_to_one_named_by_option(novacron, monkeypatch):
    monkeypatch.setenv("NOVACRON_FLEET", "/nowhere/fleet.toml")
    assert novacron("hosts").exit_code == ExitCode.OK


def test_a_fleet_named_by_the_environment_is_meant_when_no_option_names_one(bare_novacron, folders, monkeypatch):
    monkeypatch.setenv("NOVACRON_FLEET", str(folders / "nowhere.toml"))
    result = bare_novacron("hosts")
    assert result.exit_code == ExitCode.CONFIG
    assert "nowhere.toml" in result.stderr


def test_a_broken_fleet_file_is_told_on_the_terminal_before_anything_is_started(bare_novacron, folders):
    path = folders / "broken.toml"
    path.write_text("[[host]]\nname = kvm\n")
    result = bare_novacron("--fleet", str(path), "vms")
    assert result.exit_code == ExitCode.CONFIG
    assert str(path) in result.stderr
    assert "line 2" in result.stderr
    assert result.stdout == ""


def test_without_a_fleet_file_the_ways_on_are_named(bare_novacron):
    result = bare_novacron("vms")
    assert result.exit_code == ExitCode.CONFIG
    assert "host add" in result.stderr


def test_an_address_that_cannot_be_one_is_a_configuration_error(bare_novacron):
    result = bare_novacron("--connect", "qemu+ssh://h/system?command=id", "vms")
    assert result.exit_code == ExitCode.CONFIG
    assert "command" in result.stderr


def test_the_status_of_a_fleet_without_a_backend_says_so_and_starts_none(bare_novacron, folders):
    result = bare_novacron("--simulated-size", "1x1", "status")
    assert result.exit_code == ExitCode.BACKEND
    assert not (folders / "r" / "simulated-1x1").exists()


def test_the_status_of_a_backend_names_its_fleet(novacron):
    result = novacron("status")
    assert result.exit_code == ExitCode.OK
    assert "a hostile fleet (3 hosts)" in result.stdout
    assert json.loads(novacron("status", "--json").stdout)["pid"] == os.getpid()


def test_stopping_a_backend_that_does_not_run_says_so(bare_novacron):
    assert bare_novacron("--simulated-size", "1x1", "detach", "--stop").exit_code == ExitCode.BACKEND


def test_a_host_is_added_to_the_users_own_file(bare_novacron, folders):
    result = bare_novacron("host", "add", "kvm-1", "root@kvm-1.example", "--untested")
    assert result.exit_code == ExitCode.OK, result.output
    path = folders / "c" / "fleet.toml"
    try:
        assert 'ssh = "root@kvm-1.example"' in path.read_text()
        again = bare_novacron("host", "add", "kvm-1", "--untested")
        assert again.exit_code == ExitCode.CONFIG
    finally:
        path.unlink()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_printed_for_each_shell(bare_novacron, shell):
    result = bare_novacron("completion", shell)
    assert result.exit_code == ExitCode.OK
    assert "_NOVACRON_COMPLETE" in result.stdout


def test_a_shell_nobody_knows_is_a_usage_error(bare_novacron):
    assert bare_novacron("completion", "tcl").exit_code == ExitCode.USAGE


def test_bash_accepts_its_completion_script(bare_novacron):
    script = bare_novacron("completion", "bash").stdout
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def _completed(words: str, folders) -> list[str]:
    # A person at a prompt is not kept waiting; what is completed has to come, however slow the machine is.
    program = (
        "from novacron.cli import completion; completion._PATIENCE_S = 15; from novacron.cli.main import main; main()"
    )
    environment = {**os.environ, "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    environment["_NOVACRON_COMPLETE"] = "complete_bash"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False, timeout=60
    )
    return done.stdout.split()


def test_the_shell_completes_verbs_hosts_and_vms_but_no_name_it_would_have_to_quote(backend, folders):
    fleet = " ".join(FLEET)
    assert "force-off" in _completed("novacron for", folders)
    hosts = _completed(f"novacron {fleet} hosts ", folders)
    assert len(hosts) == 3
    names = _completed(f"novacron {fleet} vms ", folders)
    assert names
    assert all(name.isascii() and name.isprintable() and "$" not in name for name in names)


def test_completing_names_of_a_fleet_without_a_backend_gives_nothing_and_starts_none(folders):
    assert _completed("novacron --simulated-size 1x1 vms ", folders) == []
    assert not (folders / "r" / "simulated-1x1").exists()


def test_a_simulated_size_is_hosts_and_vms_on_each_of_them():
    options = fleet_options(None, None, simulated=False, simulated_size="4x5")
    hosts, gateway = hosts_and_gateway(options, (), SystemClock())
    assert [len(gateway._world.host(spec.id).machines) for spec in hosts] == [5, 5, 5, 5]


def test_a_size_that_slipped_is_explained(bare_novacron):
    said = bare_novacron("--simulated-size", "500x10000", "vms").stderr
    assert "at most 200000 VMs" in " ".join(said.replace("│", " ").split())


@pytest.mark.parametrize("churn", [None, 0.0, 0.5, 100.0])
def test_a_started_backend_is_given_the_same_simulated_fleet(churn):
    options = fleet_options(None, None, simulated=False, simulated_size="4x5", simulated_churn=churn)
    words = dict(zip(options.arguments()[1::2], options.arguments()[2::2], strict=True))
    again = fleet_options(
        None,
        None,
        simulated=True,
        simulated_size=words["--simulated-size"],
        simulated_churn=float(words["--simulated-churn"]) if churn is not None else None,
    )
    assert again == options
