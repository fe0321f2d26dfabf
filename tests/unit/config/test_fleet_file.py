"""fleet.toml: what is taken from it, and how each mistake in it is told."""

import os
from dataclasses import fields
from pathlib import Path

import pytest

from novacron.config.fleet_file import add_host, load
from novacron.config.options import FleetOptions
from novacron.model.alert.conditions import Thresholds
from novacron.model.errors import ConfigError, ExitCode
from novacron.model.host import HostSpec
from novacron.model.ids import HostId
from novacron.model.work.limits import Limits
from novacron.runtime.fleet_choice import theme_of
from tests.run_as import as_nobody

_FULL = """\
# the fleet of the night shift
[[site]]
name = "fra"

[[host]]
name = "kvm-1"          # rack 4
site = "fra"
ssh = "root@kvm-1.example:2222"
ssh_config = "ssh/config"
socket = "/run/libvirt/virtqemud-sock"
migration_address = "10.0.0.1"
labels = { rack = "4" }

[[host]]
name = "here"
uri = "qemu:///system"

[console]
theme = "dusk"
"""


@pytest.fixture
def fleet_toml(tmp_path):
    return tmp_path / "fleet.toml"


def _refused(path, content) -> ConfigError:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.subject.partition(".toml")[0] == str(path).removesuffix(".toml")
    assert caught.value.remedy
    return caught.value


def test_a_full_file_becomes_hosts_sites_and_theme(fleet_toml):
    fleet_toml.write_text(_FULL)
    fleet = load(fleet_toml)
    assert (fleet.source, fleet.sites, fleet.theme) == (str(fleet_toml), ("fra",), "dusk")
    assert fleet.hosts == (
        HostSpec(
            id=HostId("kvm-1"),
            site="fra",
            ssh="root@kvm-1.example:2222",
            ssh_config=str(fleet_toml.parent / "ssh/config"),
            socket="/run/libvirt/virtqemud-sock",
            peer_uri="qemu+ssh://root@kvm-1.example:2222/system",
            migration_address="10.0.0.1",
            labels={"rack": "4"},
        ),
        HostSpec(id=HostId("here"), uri="qemu:///system"),
    )


def test_an_empty_file_is_a_fleet_without_hosts(fleet_toml):
    fleet_toml.write_text("")
    assert load(fleet_toml).hosts == ()


def test_a_relative_ssh_config_is_beside_the_file_and_a_tilde_is_home(fleet_toml, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    fleet_toml.write_text(
        "".join(
            f'[[host]]\nname = "h{number}"\nssh = "h"\nssh_config = "{written}"\n'
            for number, written in enumerate(("lab.conf", "~/.ssh/other", "/etc/ssh/x"))
        )
    )
    assert [host.ssh_config for host in load(fleet_toml).hosts] == [
        str(fleet_toml.parent / "lab.conf"),
        "/home/ada/.ssh/other",
        "/etc/ssh/x",
    ]


def test_the_peer_uri_is_the_ssh_name_unless_another_is_given(fleet_toml):
    fleet_toml.write_text(
        '[[host]]\nname = "a"\nssh = "ada@a"\n[[host]]\nname = "b"\nssh = "b"\npeer_uri = "qemu+tls://b/system"\n'
        '[[host]]\nname = "c"\nuri = "qemu:///system"\n'
    )
    assert [host.peer_uri for host in load(fleet_toml).hosts] == ["qemu+ssh://ada@a/system", "qemu+tls://b/system", ""]


def test_broken_toml_is_told_with_its_line(fleet_toml):
    assert "line 3" in _refused(fleet_toml, '[[host]]\nname = "a"\nuri = qemu\n').detail


def test_an_unknown_key_is_told_with_its_place_and_the_nearest_one(fleet_toml):
    error = _refused(
        fleet_toml, '[[host]]\nname="a"\nssh="a"\n[[host]]\nname = "b"\nssh = "b"\nmigration_adress = "x"\n'
    )
    assert error.detail == "host[2].migration_adress: there is no such setting"
    assert error.remedy == "did you mean migration_address?"


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        ("[console]\nthme = 1\n", "did you mean theme?"),
        ('[[site]]\nnam = "fra"\nname = "fra"\n', "did you mean name?"),
        ("[[hosts]]\n", "did you mean host?"),
        ("colour = 3\n", "known here: site, host, console, alerts, journal, limits"),
    ],
)
def test_an_unknown_key_is_compared_with_those_of_its_own_section(fleet_toml, content, remedy):
    assert _refused(fleet_toml, content).remedy == remedy


@pytest.mark.parametrize("ways", ["", 'uri = "qemu:///system"\nssh = "a"\n'])
def test_a_host_with_no_way_in_or_with_two_is_refused_by_name(fleet_toml, ways):
    detail = _refused(fleet_toml, f'[[host]]\nname = "a"\n{ways}').detail
    assert "host a: exactly one of uri and ssh is needed" in detail


def test_an_ssh_name_that_looks_like_an_option_is_refused(fleet_toml):
    assert "dash" in _refused(fleet_toml, '[[host]]\nname = "a"\nssh = "-oProxyCommand=x"\n').detail


@pytest.mark.parametrize("name", ["", "-a", "a b", "a\\u001b[2J", "x" * 64])
def test_a_host_name_that_could_not_be_typed_is_refused(fleet_toml, name):
    assert _refused(fleet_toml, f'[[host]]\nname = "{name}"\nssh = "a"\n').detail.startswith("host[1].name")


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ('[[host]]\nname="a"\nssh="a"\n[[host]]\nname="a"\nuri="qemu:///system"\n', "host a is in it twice"),
        ('[[site]]\nname="fra"\n[[site]]\nname="fra"\n', "site fra is in it twice"),
    ],
)
def test_a_name_given_twice_is_refused(fleet_toml, content, detail):
    assert _refused(fleet_toml, content).detail == detail


@pytest.mark.parametrize(("site", "remedy"), [("frb", "did you mean fra?"), ("london", "add a [[site]] of that name")])
def test_a_site_nobody_declared_is_refused(fleet_toml, site, remedy):
    error = _refused(fleet_toml, f'[[site]]\nname="fra"\n[[host]]\nname="a"\nssh="a"\nsite="{site}"\n')
    assert (error.detail, error.remedy) == (f"host a: there is no site {site}", remedy)


def test_a_value_of_the_wrong_kind_is_told_with_its_place(fleet_toml):
    assert _refused(fleet_toml, '[[host]]\nname="a"\nssh="a"\nlabels={rack=4}\n').detail.startswith(
        "host[1].labels.rack: "
    )


def test_a_file_that_is_not_there_names_both_ways_on(fleet_toml):
    with pytest.raises(ConfigError, match=r"no such file.*host add.*--connect") as caught:
        load(fleet_toml)
    assert caught.value.exit_code is ExitCode.CONFIG


def test_a_file_that_is_not_utf8_is_told_with_the_byte(fleet_toml):
    assert _refused(fleet_toml, b"# caf\xe9\n").detail == "is not UTF-8 at byte 5"


def test_a_folder_in_its_place_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="is a folder, not a file"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["deep.toml", "pipe.toml", "zero.toml"])
def test_a_file_that_would_hang_or_fill_the_memory_names_no_theme_and_no_fleet(tmp_path, name):
    path = tmp_path / name
    {
        "deep.toml": lambda: path.write_text("a = " + "[" * 100_000),
        "pipe.toml": lambda: os.mkfifo(path),
        "zero.toml": lambda: path.symlink_to("/dev/zero"),
    }[name]()
    assert theme_of(FleetOptions(fleet=path)) is None
    with pytest.raises(ConfigError, match=name):
        load(path)


def test_adding_a_host_never_replaces_a_device(tmp_path, monkeypatch):
    # The path resolves to /dev/null: as root, a new file would be renamed over it.
    renamed = []
    monkeypatch.setattr(Path, "replace", lambda self, target: renamed.append(target))
    (tmp_path / "fleet.toml").symlink_to("/dev/null")
    with pytest.raises(ConfigError, match="is no regular file"):
        add_host(tmp_path / "fleet.toml", _spec())
    assert not renamed


def test_a_file_without_permission_cannot_be_read(fleet_toml):
    fleet_toml.write_text(_FULL)
    fleet_toml.chmod(0)
    with as_nobody(), pytest.raises(ConfigError, match="cannot be read: Permission denied"):
        load(fleet_toml)


def _spec(name="kvm-9", **settings) -> HostSpec:
    return HostSpec(id=HostId(name), **({"ssh": name} if "uri" not in settings else {}), **settings)


def test_adding_a_host_keeps_every_comment_and_every_other_host(fleet_toml):
    fleet_toml.write_text(_FULL)
    add_host(fleet_toml, _spec(site="fra", labels={"rack": "5"}, peer_uri="qemu+ssh://kvm-9/system"))
    text = fleet_toml.read_text()
    assert "# the fleet of the night shift" in text
    assert "# rack 4" in text
    fleet = load(fleet_toml)
    assert [host.id for host in fleet.hosts] == ["kvm-1", "here", "kvm-9"]
    assert fleet.hosts[2] == _spec(site="fra", labels={"rack": "5"}, peer_uri="qemu+ssh://kvm-9/system")
    assert fleet.theme == "dusk"


def test_every_setting_of_a_host_is_written_and_read_back(fleet_toml):
    spec = _spec(
        site="fra",
        ssh_config="/etc/ssh/x",
        socket="/run/s",
        peer_uri="qemu+tls://kvm-9/system",
        migration_address="10.0.0.1",
        labels={"rack": "5"},
    )
    # A host has one way in, and limits are written by hand.
    left_out = {field.name for field in fields(HostSpec) if not getattr(spec, field.name)} | {"limits"}
    assert left_out == {"uri", "limits"}
    add_host(fleet_toml, spec)
    assert load(fleet_toml).hosts == (spec,)


def test_the_first_host_makes_the_file_and_its_folder(tmp_path):
    path = tmp_path / "new" / "fleet.toml"
    add_host(path, _spec())
    assert [host.id for host in load(path).hosts] == ["kvm-9"]


def test_a_host_is_added_to_a_file_that_lists_hosts_in_one_line(fleet_toml):
    fleet_toml.write_text('host = [{name = "a", ssh = "a"}]\n')
    add_host(fleet_toml, _spec())
    assert [host.id for host in load(fleet_toml).hosts] == ["a", "kvm-9"]


def test_a_host_of_the_same_name_is_not_added(fleet_toml):
    fleet_toml.write_text(_FULL)
    with pytest.raises(ConfigError, match="host here is in it already"):
        add_host(fleet_toml, _spec("here"))
    assert fleet_toml.read_text() == _FULL


@pytest.mark.parametrize(
    ("spec", "cause"),
    [(_spec("a b"), "name"), (_spec(site="london"), "no site london"), (_spec(uri="x:///", name="-v"), "name")],
)
def test_a_host_that_would_break_the_file_is_not_added(fleet_toml, spec, cause):
    fleet_toml.write_text(_FULL)
    with pytest.raises(ConfigError, match=cause):
        add_host(fleet_toml, spec)
    assert fleet_toml.read_text() == _FULL
    assert list(fleet_toml.parent.iterdir()) == [fleet_toml]


def test_a_broken_file_is_told_and_left_alone_when_a_host_is_added(fleet_toml):
    fleet_toml.write_text("[[host\n")
    with pytest.raises(ConfigError, match="is not TOML"):
        add_host(fleet_toml, _spec())
    assert fleet_toml.read_text() == "[[host\n"


def test_a_file_that_is_a_link_is_written_where_it_points(tmp_path):
    real = tmp_path / "dotfiles" / "fleet.toml"
    real.parent.mkdir()
    real.write_text(_FULL)
    real.chmod(0o640)
    link = tmp_path / "fleet.toml"
    link.symlink_to(real)
    add_host(link, _spec())
    assert link.is_symlink()
    assert len(load(real).hosts) == 3
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be written: .*check its folder"):
        add_host(tmp_path / "file" / "fleet.toml", _spec())


def test_thresholds_of_alerts_are_percent_in_the_file(fleet_toml):
    fleet_toml.write_text("[alerts]\nunreachable_after_s = 30\nnearly_full_percent = 80\n")
    assert load(fleet_toml).thresholds == Thresholds(unreachable_after_s=30.0, nearly_full=0.8)


def test_an_ssh_uri_in_the_file_goes_over_our_own_ssh(fleet_toml):
    fleet_toml.write_text('[[host]]\nname = "a"\nuri = "qemu+ssh://ada@kvm-1:2222/system?socket=/run/x"\n')
    assert load(fleet_toml).hosts == (
        HostSpec(id=HostId("a"), ssh="ada@kvm-1:2222", socket="/run/x", peer_uri="qemu+ssh://ada@kvm-1:2222/system"),
    )


def test_a_journal_in_postgresql_is_one_line(fleet_toml):
    fleet_toml.write_text('[journal]\nurl = "postgresql://novacron:secret@db/novacron"\n')
    loaded = load(fleet_toml)
    assert loaded.journal_url == "postgresql://novacron:secret@db/novacron"
    assert "secret" not in repr(loaded)


def test_how_long_operations_are_kept_is_a_number_of_days(fleet_toml):
    fleet_toml.write_text("[journal]\nkeep_days = 0\n")
    assert load(fleet_toml).journal_keep_days == 0
    fleet_toml.write_text("")
    assert load(fleet_toml).journal_keep_days == 90
    fleet_toml.write_text("[journal]\nkeep_days = -1\n")
    with pytest.raises(ConfigError, match="keep_days"):
        load(fleet_toml)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://novacron:secret@db/novacron", "begins with postgresql://"),
        ("postgresql://novacron:secret@db", "names no database"),
        ("postgresql://novacron:se/cret@db:x/novacron", "is no URL"),
    ],
)
def test_a_journal_url_that_means_nothing_is_told_with_its_line_and_without_its_password(fleet_toml, url, told):
    fleet_toml.write_text(f'[journal]\nurl = "{url}"\n')
    with pytest.raises(ConfigError, match=told) as caught:
        load(fleet_toml)
    assert "secret" not in str(caught.value)
    assert ":1" in caught.value.subject or ":2" in caught.value.subject


def test_limits_are_the_hosts_own_then_the_fleets_then_the_defaults(fleet_toml):
    fleet_toml.write_text(
        "[limits]\nmigrations_out = 3\nstarts = 8\n"
        '[[host]]\nname = "a"\nssh = "a"\nlimits = { migrations_out = 1 }\n[[host]]\nname = "b"\nssh = "b"\n'
    )
    first, second = load(fleet_toml).hosts
    assert first.limits == Limits(migrations_in=2, migrations_out=1, starts=8, disk_copies=2)
    assert second.limits == Limits(migrations_in=2, migrations_out=3, starts=8, disk_copies=2)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[limits]\nstarts = 0\n", "limits.starts"),
        ("[limits]\nmigration_in = 1\n", "did you mean migrations_in?"),
        ('[[host]]\nname = "a"\nssh = "a"\nlimits = { start = 1 }\n', "did you mean starts?"),
    ],
)
def test_a_mistake_in_limits_is_told_with_its_place(fleet_toml, content, said):
    error = _refused(fleet_toml, content)
    assert said in f"{error.detail} {error.remedy}"
