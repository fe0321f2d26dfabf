"""Where things are kept, and who may look into it."""

import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from novacron.config.options import FleetOptions
from novacron.config.paths import config_file, make_private, paths_of
from novacron.model.errors import ConfigError
from tests.run_as import NOBODY, as_nobody

_VARIABLES = (
    "NOVACRON_RUNTIME_DIR",
    "NOVACRON_STATE_DIR",
    "NOVACRON_CONFIG_DIR",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "XDG_CONFIG_HOME",
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/ada")


def _mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_without_xdg_the_socket_is_in_a_folder_named_by_user_and_the_rest_at_home():
    paths = paths_of("default")
    assert str(paths.socket) == f"/tmp/novacron-{os.geteuid()}/default/backend.sock"  # noqa: S108
    assert str(paths.journal) == "/home/ada/.local/state/novacron/default/journal.sqlite"
    assert str(config_file()) == "/home/ada/.config/novacron/fleet.toml"


def test_xdg_folders_are_used_where_they_are_set(monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/config")
    paths = paths_of("default")
    assert str(paths.socket) == "/run/user/7/novacron/default/backend.sock"
    assert str(paths.lock) == "/state/novacron/default/backend.lock"
    assert str(config_file()) == "/config/novacron/fleet.toml"


def test_our_own_variables_win(monkeypatch):
    for name in _VARIABLES:
        monkeypatch.setenv(name, f"/{name.lower()}")
    paths = paths_of("x")
    assert str(paths.socket) == "/novacron_runtime_dir/x/backend.sock"
    assert str(paths.log) == "/novacron_state_dir/x/backend.log"
    assert str(config_file()) == "/novacron_config_dir/fleet.toml"


def test_a_path_too_long_for_a_socket_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.setenv("NOVACRON_RUNTIME_DIR", "/tmp/" + "deep/" * 20)  # noqa: S108
    with pytest.raises(ConfigError, match=r"too long.*NOVACRON_RUNTIME_DIR"):
        paths_of("default")


def test_a_private_folder_is_made_and_one_that_is_open_is_closed(tmp_path):
    make_private(tmp_path / "a" / "b")
    assert _mode(tmp_path / "a" / "b") == 0o700
    (tmp_path / "open").mkdir(mode=0o777)
    make_private(tmp_path / "open")
    assert _mode(tmp_path / "open") == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_folder_of_somebody_else_is_refused(tmp_path):
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", NOBODY, NOBODY)
    with pytest.raises(ConfigError, match=f"belongs to user {NOBODY}"):
        make_private(tmp_path / "theirs")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_folder_inside_somebody_elses_is_refused_for_they_could_swap_it(tmp_path):
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", NOBODY, NOBODY)
    with pytest.raises(ConfigError, match=f"belongs to user {NOBODY}"):
        make_private(tmp_path / "theirs" / "default")


def test_a_folder_inside_one_that_everybody_writes_is_refused_unless_it_is_sticky(tmp_path):
    (tmp_path / "anybodys").mkdir()
    (tmp_path / "anybodys").chmod(0o777)
    with pytest.raises(ConfigError, match="everybody"):
        make_private(tmp_path / "anybodys" / "default")
    (tmp_path / "anybodys").chmod(0o1777)
    make_private(tmp_path / "anybodys" / "default")


def test_a_link_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="link"):
        make_private(tmp_path / "link")


def test_a_file_in_the_way_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be made.*NOVACRON_STATE_DIR"):
        make_private(tmp_path / "file" / "x")


def test_a_folder_that_cannot_be_written_is_told():
    # Not in tmp_path: nobody may not even look into pytest's folder.
    with as_nobody(), TemporaryDirectory() as folder:
        own = Path(folder) / "own"
        own.mkdir(mode=0o500)
        with pytest.raises(ConfigError, match="cannot be written"):
            make_private(own)


def test_each_way_of_naming_a_fleet_has_an_instance_of_its_own(tmp_path):
    ways = [
        FleetOptions(),
        FleetOptions(fleet=tmp_path / "a.toml"),
        FleetOptions(fleet=tmp_path / "b.toml"),
        FleetOptions(connect=("a",)),
        FleetOptions(connect=("a", "b")),
        FleetOptions(simulated=True),
        FleetOptions(simulated=True, simulated_hosts=3, simulated_vms=9),
        FleetOptions(simulated=True, simulated_churn=0.0),
        FleetOptions(simulated=True, simulated_churn=0.5),
    ]
    assert len({way.instance for way in ways}) == len(ways)
    assert ways[0].instance == "default"
    assert FleetOptions(fleet=tmp_path / "x" / ".." / "a.toml").instance == ways[1].instance


def test_the_users_own_file_named_aloud_is_the_same_fleet(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert FleetOptions(fleet=tmp_path / ".config" / "." / "novacron" / "fleet.toml").instance == "default"


@pytest.mark.parametrize("variable", ["NOVACRON_CONFIG_DIR", "XDG_CONFIG_HOME"])
def test_a_variable_that_names_another_file_leads_to_another_backend(variable, monkeypatch, tmp_path):
    monkeypatch.setenv(variable, str(tmp_path / "production"))
    production = FleetOptions().instance
    monkeypatch.setenv(variable, str(tmp_path / "test"))
    assert len({production, FleetOptions().instance, "default"}) == 3
    assert FleetOptions(fleet=config_file()).instance == FleetOptions().instance
    monkeypatch.setenv(variable, str(Path.home() / ".config" / ("novacron" if "NOVACRON" in variable else "")))
    assert FleetOptions().instance == "default"


def test_a_folder_that_is_no_whole_path_is_refused_and_by_the_specification_ignored(monkeypatch):
    for variable in ("NOVACRON_RUNTIME_DIR", "NOVACRON_STATE_DIR"):
        monkeypatch.setenv(variable, "here")
        with pytest.raises(ConfigError, match=rf"{variable}: is not a whole path"):
            paths_of("default")
        monkeypatch.delenv(variable)
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "run")
    assert paths_of("default").socket.is_absolute()
    assert paths_of("default").journal.is_absolute()
    monkeypatch.setenv("NOVACRON_CONFIG_DIR", "there")
    with pytest.raises(ConfigError, match="NOVACRON_CONFIG_DIR: is not a whole path"):
        config_file()
