"""What an operator writes for a host, and what becomes of it together with the ssh configuration."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.adapters.ssh.address import SshAddress, ssh_command
from novacron.model.host import HostSpec
from novacron.model.ids import HostId


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
    assert SshAddress.parse(str(SshAddress.parse(text))) == SshAddress(name=name, user=user, port=port)


@given(st.text(max_size=30))
def test_no_text_makes_the_parser_fail(text):
    SshAddress.parse(text)


def test_the_line_to_try_by_hand_is_safe_to_paste():
    spec = HostSpec(id=HostId("x"), ssh="ada@kvm-1", ssh_config="/tmp/my config;id")  # noqa: S108 - only a text
    assert ssh_command(spec) == "ssh -F '/tmp/my config;id' ada@kvm-1"
    assert ssh_command(HostSpec(id=HostId("x"), ssh="ada@kvm-1")) == "ssh ada@kvm-1"


def test_the_line_to_try_by_hand_is_one_that_ssh_takes():
    """ssh knows no name:port; and a jump host behind others is reached through them."""
    assert ssh_command(HostSpec(id=HostId("x"), ssh="ada@kvm-1:2222")) == "ssh -p 2222 ada@kvm-1"
    assert ssh_command(HostSpec(id=HostId("x"), ssh="[fd00::1]:2222")) == "ssh -p 2222 fd00::1"
    assert ssh_command(HostSpec(id=HostId("x"), ssh="two"), ["one", "ada@next:22"]) == "ssh -J one,ada@next:22 two"
