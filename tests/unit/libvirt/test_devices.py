"""Every real source of a disk has a name of its own, and every device of the host is named."""

import pytest

from novacron.adapters.libvirt import definition
from novacron.model.vm import VmDisk


def _read(devices: str) -> definition.Definition:
    return definition.read(f"<domain type='kvm'><name>db</name><devices>{devices}</devices></domain>", "db")


def _disk(source: str, *, kind: str = "network", device: str = "disk") -> VmDisk:
    (disk,) = _read(f"<disk type='{kind}' device='{device}'>{source}<target dev='vda' bus='virtio'/></disk>").disks
    return disk


HOST = "<host name='store' port='10809'/>"


@pytest.mark.parametrize(
    ("source", "name", "protocol"),
    [
        (f"<source protocol='nbd'>{HOST}</source>", "nbd://store:10809/", "nbd"),
        (f"<source protocol='nbd' name='bar'>{HOST}</source>", "nbd://store:10809/bar", "nbd"),
        (
            "<source protocol='nbd' name='bar'><host name='2001:db8::1' port='1'/></source>",
            "nbd://[2001:db8::1]:1/bar",
            "nbd",
        ),
        ("<source protocol='rbd' name='vms/db'><host name='mon1'/><host name='mon2'/></source>", "vms/db", "rbd"),
        ("<source protocol='rbd' name='vms/db'><snapshot name='old'/></source>", "vms/db@old", "rbd"),
        (f"<source protocol='iscsi' name='iqn.a:b/1'>{HOST}</source>", "iscsi://store:10809/iqn.a:b/1", "iscsi"),
        ("<source protocol='https' name='x.iso'><host name='mirror'/></source>", "https://mirror/x.iso", "https"),
        (
            "<source protocol='https' name='x' query='a=b'><host name='mirror' port='8443'/></source>",
            "https://mirror:8443/x?a=b",
            "https",
        ),
        ("<source protocol='gluster' name='vol/db'><host name='g1'/></source>", "gluster://g1/vol/db", "gluster"),
        ("<source protocol='nfs' name='/vm/db'><host name='filer'/></source>", "nfs://filer/vm/db", "nfs"),
        ("<source protocol='sheepdog' name='db'/>", "db", "sheepdog"),
        ("<source protocol='ssh' name='/vm/db'><host name='far'/></source>", "ssh://far/vm/db", "ssh"),
        ("<source protocol='newer'/>", "newer:///", "newer"),
    ],
)
def test_a_network_disk_is_named_by_where_it_is(source: str, name: str, protocol: str) -> None:
    disk = _disk(source)
    assert (disk.source, disk.protocol, disk.storage) == (name, protocol, "network")
    assert not disk.served_by_host


@pytest.mark.parametrize(
    "host",
    [
        "<host transport='unix' socket='/run/nbd'/>",
        "<host name='localhost' port='1'/>",
        "<host name='127.0.0.1'/>",
        "<host name='::1' port='1'/>",
    ],
)
def test_a_server_on_the_vms_own_host_is_another_one_elsewhere(host: str) -> None:
    disk = _disk(f"<source protocol='nbd' name='bar'>{host}</source>")
    assert disk.served_by_host
    assert disk.source.startswith("nbd://")


def test_a_disk_with_one_server_that_others_reach_is_not_its_hosts_own() -> None:
    both = f"<host transport='unix' socket='/run/g'/>{HOST}"
    assert not _disk(f"<source protocol='gluster' name='v/i'>{both}</source>").served_by_host


@pytest.mark.parametrize(
    ("kind", "source", "name"),
    [
        (
            "nvme",
            "<source type='pci' namespace='2'><address domain='0x0001' bus='0x02' slot='0x0' function='0x0'/></source>",
            "nvme:0001:02:00.0/2",
        ),
        ("vhostuser", "<source type='unix' path='/run/vhost1.sock'/>", "vhost-user:/run/vhost1.sock"),
        ("vhostvdpa", "<source dev='/dev/vhost-vdpa-0'/>", "/dev/vhost-vdpa-0"),
        ("dir", "<source dir='/srv/fat'/>", "/srv/fat"),
        ("volume", "<source pool='vm' volume='db.img'/>", "vm/db.img"),
        ("block", "<source dev='/dev/mapper/db'/>", "/dev/mapper/db"),
    ],
)
def test_other_storage_is_named_too(kind: str, source: str, name: str) -> None:
    disk = _disk(source, kind=kind)
    assert (disk.source, disk.storage, disk.protocol) == (name, kind, "")


@pytest.mark.parametrize("device", ["cdrom", "floppy"])
def test_only_a_drive_can_be_empty(device: str) -> None:
    assert _disk("", kind="file", device=device).source == ""
    assert _disk("", kind="file", device="disk").source
    assert _disk("<source thing='1'/>", kind="future", device="lun").source


def test_devices_of_the_host_are_named() -> None:
    found = _read("""
      <hostdev mode='subsystem' type='pci'>
        <source><address domain='0x0000' bus='0x06' slot='0x02' function='0x0'/></source></hostdev>
      <hostdev mode='subsystem' type='usb'>
        <source><vendor id='0x1234'/><product id='0xbeef'/></source></hostdev>
      <hostdev mode='subsystem' type='usb'><source><address bus='1' device='3'/></source></hostdev>
      <hostdev mode='subsystem' type='mdev' model='vfio-pci'>
        <source><address uuid='53764d0e-85a0-42b4-af5c-2046b460b1dc'/></source></hostdev>
      <hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/></source></hostdev>
      <hostdev mode='subsystem' type='newer'/>
      <interface type='hostdev'><source>
        <address type='pci' domain='0x0000' bus='0x03' slot='0x07' function='0x1'/></source></interface>
      <interface type='hostdev'><source/><teaming type='transient' persistent='ua-1'/></interface>
      <interface type='network'><source network='lan'/></interface>""")
    assert found.host_devices == (
        "the PCI device 0000:06:02.0",
        "the USB device 1234:beef",
        "the USB device 1:3",
        "the mediated device 53764d0e-85a0-42b4-af5c-2046b460b1dc",
        "the SCSI device",
        "the newer device",
        "the network device 0000:03:07.1",
    )
