"""`--connect`: what becomes of libvirt URIs and ssh names."""

import pytest

from novacron.config.addresses import spec_of, specs_of
from novacron.model.errors import ConfigError
from novacron.model.host import HostSpec
from novacron.model.ids import HostId


def _spec(name, **fields) -> HostSpec:
    return HostSpec(id=HostId(name), **fields)


@pytest.mark.parametrize(
    ("address", "spec"),
    [
        ("kvm-1", _spec("kvm-1", ssh="kvm-1", peer_uri="qemu+ssh://kvm-1/system")),
        ("ada@kvm-1:2222", _spec("kvm-1", ssh="ada@kvm-1:2222", peer_uri="qemu+ssh://ada@kvm-1:2222/system")),
        (
            "ada@[fd00::1]:2222",
            _spec("fd00::1", ssh="ada@[fd00::1]:2222", peer_uri="qemu+ssh://ada@[fd00::1]:2222/system"),
        ),
        ("[fd00::1]", _spec("fd00::1", ssh="[fd00::1]", peer_uri="qemu+ssh://[fd00::1]/system")),
    ],
)
def test_an_ssh_name_is_called_by_its_host(address, spec):
    assert spec_of(address) == spec


@pytest.mark.parametrize("scheme", ["qemu+ssh", "qemu+libssh", "qemu+libssh2"])
def test_an_ssh_uri_goes_over_our_own_ssh_with_its_user_port_and_socket(scheme):
    assert spec_of(f"{scheme}://ada@kvm-1:2222/system?socket=/run/other-sock") == _spec(
        "kvm-1", ssh="ada@kvm-1:2222", socket="/run/other-sock", peer_uri="qemu+ssh://ada@kvm-1:2222/system"
    )


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("qemu:///system", "qemu-system"),
        ("qemu:///session", "qemu-session"),
        ("test:///default", "test-default"),
        ("qemu+unix:///system?socket=/run/x", "qemu-system"),
        ("qemu+tls://kvm-2.example/system", "kvm-2.example"),
    ],
)
def test_other_uris_are_taken_as_they_are_and_named_by_what_they_are(uri, name):
    assert spec_of(uri) == _spec(name, uri=uri)


def test_an_ssh_uri_of_ssh_itself_is_an_ssh_name():
    assert spec_of("ssh://ada@kvm-1:2222/") == spec_of("ada@kvm-1:2222")


def test_a_given_name_wins_over_the_address():
    assert spec_of("qemu+ssh://kvm-1/system", "first").id == "first"
    assert spec_of("kvm-1", "first").id == "first"
    assert spec_of("qemu:///system", "first").id == "first"


@pytest.mark.parametrize("parameter", ["command", "netcat", "proxy", "no_verify", "no_tty", "pkipath", "auth"])
def test_a_parameter_that_runs_programs_or_switches_checks_off_is_refused(parameter):
    with pytest.raises(ConfigError, match=parameter) as caught:
        spec_of(f"qemu+ssh://kvm-1/system?socket=/x&{parameter}=1")
    assert "~/.ssh/config" in caught.value.remedy


def test_a_parameter_without_a_value_is_refused_too():
    with pytest.raises(ConfigError, match="no_verify"):
        spec_of("qemu+tls://kvm-1/system?no_verify")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "-oProxyCommand=id",
        "two words",
        "line\nbreak",
        "ada@",
        "qemu+ssh:///system",
        "qemu+ssh://-oProxyCommand=id/system",
        "qemu+ssh://a%20b/system",
        "qemu+ssh://[bad/system",
        "://",
    ],
)
def test_what_cannot_be_an_address_is_refused(address):
    with pytest.raises(ConfigError) as caught:
        spec_of(address)
    assert caught.value.remedy


def test_an_ssh_uri_to_another_libvirt_than_the_systems_is_refused_not_ignored():
    with pytest.raises(ConfigError, match="/session"):
        spec_of("qemu+ssh://kvm-1/session")


def test_two_addresses_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="two hosts would be called kvm-1"):
        specs_of(["kvm-1", "qemu+ssh://root@kvm-1/system"])


def test_many_addresses_keep_their_order():
    assert [spec.id for spec in specs_of(["b", "a", "qemu:///system"])] == ["b", "a", "qemu-system"]
