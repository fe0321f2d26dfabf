"""Interfaces, consoles and other devices in the shapes that libvirt documents: none of them may show as nothing."""

import pytest
from lxml import etree

from novacron.adapters.libvirt import definition
from novacron.adapters.libvirt.serial_device import SerialConsole, serial_console
from novacron.model.vm import VmNic


def _devices(body: str) -> etree._Element:
    return etree.fromstring(f"<domain type='kvm'><name>x</name><devices>{body}</devices></domain>")


def _read(body: str) -> definition.Definition:
    return definition.read(etree.tostring(_devices(body), encoding="unicode"), "x")


@pytest.mark.parametrize(
    ("nic", "network"),
    [
        ("<interface type='network'><source network='lan' portgroup='dmz' bridge='virbr1'/></interface>", "lan"),
        ("<interface type='bridge'><source bridge='br0'/></interface>", "br0"),
        ("<interface type='direct'><source dev='eno1' mode='bridge'/></interface>", "eno1 bridge"),
        ("<interface type='direct'><source dev='eno1'/></interface>", "eno1"),
        ("<interface type='user'/>", ""),
        ("<interface type='user'><source dev='eth4'/><backend type='passt'/></interface>", "passt eth4"),
        ("<interface type='ethernet'><target dev='tap7' managed='no'/></interface>", "tap7"),
        ("<interface type='ethernet'><script path='/etc/qemu-ifup'/></interface>", "/etc/qemu-ifup"),
        (
            "<interface type='hostdev' managed='yes'><source><address type='pci' domain='0x0002' bus='0x3' "
            "slot='0x1c' function='0x6'/></source></interface>",
            "0002:03:1c.6",
        ),
        ("<interface type='hostdev'/>", ""),
        (
            "<interface type='vhostuser'><source type='unix' path='/run/ovs/v0.sock' mode='client'/></interface>",
            "/run/ovs/v0.sock",
        ),
        ("<interface type='vdpa'><source dev='/dev/vhost-vdpa-3'/></interface>", "/dev/vhost-vdpa-3"),
        ("<interface type='internal'><source name='switch-2'/></interface>", "switch-2"),
        ("<interface type='mcast'><source address='239.0.0.9' port='5558'/></interface>", "239.0.0.9:5558"),
        ("<interface type='server'><source port='5558'/></interface>", ":5558"),
        ("<interface type='client'><source address='10.0.0.9' port='5558'/></interface>", "10.0.0.9:5558"),
        (
            "<interface type='udp'><source address='10.0.0.9' port='11'><local address='10.0.0.1' port='12'/></source>"
            "</interface>",
            "10.0.0.9:11 10.0.0.1:12",
        ),
        ("<interface type='udp'/>", ""),
        ("<interface type='null'/>", ""),
        ("<interface type='vds'><source switchid='12' portid='5'/></interface>", "switchid=12 portid=5"),
        ("<interface><source network='lan'/></interface>", "lan"),
    ],
)
def test_every_kind_of_interface_says_what_it_is_plugged_into(nic: str, network: str):
    (found,) = _read(nic).nics
    element = etree.fromstring(nic)
    link = element.find("target")
    assert found == VmNic(
        mac="",
        kind=element.get("type") or "network",
        network=network,
        link="" if link is None else str(link.get("dev")),
    )


@pytest.mark.parametrize("kind", ["bridge", "direct", "hostdev"])
def test_an_interface_that_got_its_place_from_a_network_shows_the_network(kind: str):
    source = "<source network='lan' portid='8d1e' bridge='br0' dev='eno1' mode='bridge'/>"
    (found,) = _read(f"<interface type='{kind}'>{source}</interface>").nics
    assert (found.kind, found.network) == ("network", "lan")


_PORT = "<serial type='pty'><target type='isa-serial' port='0'/><alias name='serial0'/></serial>"
_ITS_CONSOLE = "<console type='pty'><target type='serial' port='0'/><alias name='serial0'/></console>"
_VIRTIO = "<console type='pty'><target type='virtio' port='0'/><alias name='console0'/></console>"
_TCP = (
    "<serial type='tcp'><source mode='bind' host='127.0.0.1' service='5555'/><protocol type='telnet'/>"
    "<target port='0'/><alias name='serial0'/></serial>"
)
_TCP_CONSOLE = (
    "<console type='tcp'><source mode='bind' host='127.0.0.1' service='5555'/><target type='serial' port='0'/>"
    "<alias name='serial0'/></console>"
)
_FILE = "<serial type='file'><source path='/var/log/x.log'/><target port='0'/><alias name='serial0'/></serial>"
_SECOND = "<serial type='pty'><target port='1'/><alias name='serial1'/></serial>"
_UNIX = "<serial type='unix'><source mode='bind' path='/run/x'/><target port='0'/><alias name='serial0'/></serial>"
_DEBUG = "<serial type='pty'><target type='isa-debug' port='0'/><alias name='serial0'/></serial>"


@pytest.mark.parametrize(
    ("devices", "device"),
    [
        (_PORT + _ITS_CONSOLE, None),
        (_PORT, None),
        ("<console type='pty'><target type='xen'/></console>", None),
        ("<console type='pty' tty='/dev/pts/3'><source path='/dev/pts/3'/></console>", None),
        (_VIRTIO, None),
        (_VIRTIO + _PORT, "serial0"),
        (_PORT + _ITS_CONSOLE + _VIRTIO, None),
        (_TCP + _SECOND + _TCP_CONSOLE, "serial1"),
        (_FILE + _SECOND, "serial1"),
        (_TCP + _TCP_CONSOLE + _VIRTIO, "console0"),
        (_UNIX + _SECOND, "serial1"),
        (_UNIX + _VIRTIO, None),
        (_UNIX + _ITS_CONSOLE.replace("pty", "unix") + _VIRTIO, "console0"),
        (_DEBUG + _SECOND, "serial1"),
    ],
)
def test_the_port_with_a_terminal_is_opened_wherever_it_stands(devices: str, device: str | None):
    assert serial_console(_devices(devices)) == SerialConsole(device=device)


@pytest.mark.parametrize(
    ("devices", "said"),
    [
        ("", "it has no serial port"),
        (_DEBUG, "it has no serial port"),
        (_TCP + _TCP_CONSOLE, "it is tcp 127.0.0.1:5555"),
        (_FILE, "it is file /var/log/x.log"),
        (_UNIX, "it is unix /run/x"),
        ("<serial type='null'/>", "it is null"),
        ("<serial type='spiceport'><source channel='org.x'/></serial>", "it is spiceport org.x"),
        (
            "<serial type='udp'><source mode='bind' host='::' service='1'/><source mode='connect' host='h' "
            "service='2'/></serial>",
            "it is udp :::1 h:2",
        ),
        (_FILE + "<serial type='dev'><source path='/dev/ttyS0'/></serial>", "file /var/log/x.log and dev /dev/ttyS0"),
    ],
)
def test_what_cannot_be_opened_is_told_with_where_it_leads(devices: str, said: str):
    found = serial_console(_devices(devices))
    assert said in found.problem
    assert _read(devices).serial_problem == found.problem


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ("<filesystem type='mount'><source dir='/export'/><target dir='share'/></filesystem>", "/export as share"),
        ("<filesystem><driver type='virtiofs'/><source socket='/run/fs'/><target dir='t'/></filesystem>", "/run/fs"),
        ("<filesystem type='ram'><source usage='512' units='KiB'/><target dir='/mnt'/></filesystem>", "512 as /mnt"),
        ("<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>", "TPM emulator"),
        (
            "<tpm><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>",
            "TPM passthrough /dev/tpm0",
        ),
        ("<shmem name='ring'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>", "shared memory ring"),
        ("<memory model='dimm'><target><size unit='KiB'>524288</size></target></memory>", "memory dimm 512 MiB"),
        (
            "<memory model='nvdimm'><source><path>/tmp/nv</path></source><target><size unit='GiB'>1</size></target>"
            "</memory>",
            "memory nvdimm 1024 MiB /tmp/nv",
        ),
        ("<vsock model='virtio'><cid auto='no' address='4'/></vsock>", "vsock 4"),
        ("<redirdev bus='usb' type='spicevmc'/>", "redirected usb spicevmc"),
        ("<filesystem/>", "file system"),
        ("<tpm/>", "TPM"),
        ("<memory/>", "memory 0 MiB"),
        ("<vsock/>", "vsock"),
    ],
)
def test_devices_that_hold_data_or_tie_a_vm_to_its_host_are_named(device: str, said: str):
    (found,) = _read(device).other_devices
    assert said in found


def test_nothing_in_a_definition_hides_the_rest_of_it():
    odd = "<!-- x --><?pi y?><controller type='usb'/><hub/><panic/><iommu model='intel'/><crypto/><pstore/>"
    found = _read(f"{odd}<interface/><serial/><console/><filesystem/>{_PORT}")
    assert (len(found.nics), found.serial_problem, found.other_devices) == (1, "", ("file system",))
