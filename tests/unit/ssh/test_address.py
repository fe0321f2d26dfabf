"""What an operator writes for a host, and what becomes of it together with the ssh configuration."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.adapters.ssh.address import (
    SshAddress,
    connection_arguments,
    connection_options,
    ssh_command,
    users_known_hosts,
)
from novacron.model.errors import LinkError
from novacron.model.host import HostSpec
from novacron.model.ids import HostId
from tests.unit.ssh.sshd import Home


@pytest.mark.parametrize(
    ("text", "name", "user", "port"),
    [
        ("kvm-1", "kvm-1", "", 0),
        ("kvm-1:2222", "kvm-1", "", 2222),
        ("ada@kvm-1", "kvm-1", "ada", 0),
        ("ada@kvm-1:2222", "kvm-1", "ada", 2222),
        ("ada@dept@kvm-1", "kvm-1", "ada@dept", 0),
        ("10.0.0.7:22", "10.0.0.7", "", 22),
        ("fd00::1", "fd00::1", "", 0),
        ("ada@fd00::1", "fd00::1", "ada", 0),
        ("[fd00::1]", "fd00::1", "", 0),
        ("[fd00::1]:2222", "fd00::1", "", 2222),
        ("ada@[fe80::1%eth0]:2222", "fe80::1%eth0", "ada", 2222),
    ],
)
def test_an_address_is_split_into_user_name_and_port(text, name, user, port):
    assert SshAddress.parse(text) == SshAddress(name=name, user=user, port=port)


@given(
    user=st.from_regex(r"[a-z_][a-z0-9_.-]{0,8}", fullmatch=True) | st.just(""),
    name=st.from_regex(r"[a-z0-9][a-z0-9.-]{0,12}", fullmatch=True) | st.ip_addresses(v=6).map(str),
    port=st.integers(1, 65535) | st.just(0),
)
def test_an_address_comes_back_as_it_was_put_together(user, name, port):
    host = f"[{name}]" if ":" in name else name
    text = (f"{user}@" if user else "") + host + (f":{port}" if port else "")
    assert SshAddress.parse(text) == SshAddress(name=name, user=user, port=port)


@given(st.text(max_size=30))
def test_no_text_makes_the_parser_fail(text):
    SshAddress.parse(text)


def test_what_the_address_says_wins_over_the_configuration(home: Home):
    home.configure("User conf", "Port 2200", "HostName real.example")
    written = connection_options(home.spec(ssh="ada@kvm-1:2222"))
    assert (written.host, written.username, written.port) == ("real.example", "ada", 2222)
    left_out = connection_options(home.spec(ssh="kvm-1"))
    assert (left_out.host, left_out.username, left_out.port) == ("real.example", "conf", 2200)


def test_the_host_and_port_are_among_what_is_handed_to_asyncssh(home: Home):
    """asyncssh.connect(options=…) forgets them: without a HostName in a configuration no host was ever reached."""
    arguments = connection_arguments(home.spec(ssh="ada@kvm-1:2222"))
    assert (arguments["host"], arguments["port"], arguments["username"]) == ("kvm-1", 2222, "ada")


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_a_port_that_is_none_is_refused_in_words(home: Home, port):
    home.configure(f"Port {port}")
    with pytest.raises(LinkError, match=f"{port} is no port"):
        connection_options(home.spec(ssh="kvm-1"))


def test_a_configuration_that_cannot_be_read_is_named_with_what_is_wrong(home: Home):
    home.config.write_text("Port many\n")
    with pytest.raises(LinkError, match="ssh configuration cannot be used") as caught:
        connection_options(home.spec(ssh="kvm-1"))
    assert str(home.config) in caught.value.remedy


def test_the_line_to_try_by_hand_is_safe_to_paste():
    spec = HostSpec(id=HostId("x"), ssh="ada@kvm-1", ssh_config="/tmp/my config;id")  # noqa: S108 - only a text
    assert ssh_command(spec) == "ssh -F '/tmp/my config;id' ada@kvm-1"
    assert ssh_command(HostSpec(id=HostId("x"), ssh="ada@kvm-1")) == "ssh ada@kvm-1"


def test_a_key_is_remembered_in_the_first_file_the_configuration_names(home: Home):
    assert users_known_hosts(home.spec(ssh="kvm-1")) == home.known_hosts
    home.configure("UserKnownHostsFile ~/one ~/two")
    assert users_known_hosts(home.spec(ssh="kvm-1")) == home.folder / "one"


@pytest.mark.parametrize("line", ["", "UserKnownHostsFile none"])
def test_without_a_file_to_remember_it_in_a_key_goes_where_ssh_keeps_them(home: Home, line):
    home.config.write_text(f"{line}\n")
    assert users_known_hosts(home.spec(ssh="kvm-1")) == home.folder / ".ssh" / "known_hosts"
