"""Devices to be attached as libvirt is given them: valid by its own schema, and text stays data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from novacron.adapters.libvirt.device_xml import add_disk, add_nic, find_disk, find_nic
from novacron.adapters.libvirt.devices import read_disk
from novacron.adapters.libvirt.nics import read_nic
from novacron.model.device import DiskAttachment, DiskBus, NicAttachment
from novacron.model.errors import OperationError

_MAC = "52:54:00:aa:bb:cc"


def _devices() -> tuple[etree._Element, etree._Element]:
    root = etree.Element("domain")
    return root, etree.SubElement(root, "devices")


@given(text=st.text(min_size=1))
def test_any_text_stays_data_or_is_refused(text: str) -> None:
    root, devices = _devices()
    try:
        add_disk(devices, DiskAttachment(path=f"/vm/{text}", target="vdb", format=text), direct_io=True)
        add_nic(devices, NicAttachment(mac=_MAC, network=text, model=text))
    except OperationError:
        return
    again = etree.fromstring(etree.tostring(root))
    (disk,), (nic,) = again.findall("devices/disk"), again.findall("devices/interface")
    assert (read_disk(disk).source, read_disk(disk).format) == (f"/vm/{text}", text)
    assert (read_nic(nic).network, read_nic(nic).model) == (text, text)


@pytest.mark.parametrize(("path", "storage"), [("/vm/a.qcow2", "file"), ("/dev/vg/a", "block")])
def test_a_disk_reads_back_as_it_was_asked_for(path: str, storage: str) -> None:
    wanted = DiskAttachment(path=path, target="sdb", format="raw", bus=DiskBus.SCSI, readonly=True, shareable=True)
    disk = read_disk(add_disk(_devices()[1], wanted, direct_io=False))
    assert (disk.source, disk.target, disk.format, disk.storage) == (path, "sdb", "raw", storage)
    assert (disk.readonly, disk.shareable, disk.kind) == (True, True, "disk")


@pytest.mark.parametrize("direct_io", [True, False])
def test_storage_without_direct_io_is_not_asked_for_it(direct_io: bool) -> None:
    disk = add_disk(_devices()[1], DiskAttachment(path="/vm/a", target="vdb"), direct_io=direct_io)
    assert (disk.find("driver[@cache='none']") is not None) is direct_io


def test_devices_are_found_by_target_and_by_mac_address_in_any_case() -> None:
    root, devices = _devices()
    disk = add_disk(devices, DiskAttachment(path="/vm/a", target="vdb"), direct_io=False)
    nic = add_nic(devices, NicAttachment(mac=_MAC, network="lan"))
    assert (find_disk(root, "vdb"), find_disk(root, "vda")) == (disk, None)
    assert (find_nic(root, _MAC.upper()), find_nic(root, "52:54:00:00:00:00")) == (nic, None)
