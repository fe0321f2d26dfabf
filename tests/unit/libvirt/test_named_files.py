"""Every path that a definition or snapshot names counts as needed."""

import pytest

from novacron.adapters.libvirt import xml
from novacron.adapters.libvirt.named_files import known_chains, named_paths
from novacron.model.files import UseKind

_DOMAIN = """
<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>/not/a/file</name>
  <description>/nor/this</description>
  <metadata><x:y xmlns:x='urn:x' path='/nor/that'/></metadata>
  <os>
    <type arch='x86_64'>hvm</type>
    <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>
    <nvram template='/usr/share/OVMF/OVMF_VARS.fd'>/var/lib/libvirt/qemu/nvram/web_VARS.fd</nvram>
    <kernel>/boot/vmlinuz</kernel><initrd>/boot/initrd</initrd><cmdline>root=/dev/vda quiet</cmdline>
    <acpi><table type='slic'>/srv/slic.dat</table></acpi>
  </os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <source file='/home/ops/top.qcow2'/>
      <backingStore type='file'><format type='qcow2'/><source file='/srv/vm/mid.qcow2'/>
        <backingStore type='file'><source file='/srv/vm/base.qcow2'/><backingStore/></backingStore>
      </backingStore>
      <mirror type='file' job='copy'><source file='/srv/new/top.qcow2'/></mirror>
      <target dev='vda'/>
    </disk>
    <disk type='block' device='disk'><source dev='/dev/vg/data'/><target dev='vdb'/></disk>
    <disk type='file' device='cdrom'><source file='/srv/iso/debian.iso'/><target dev='sda'/></disk>
    <disk type='file' device='floppy'><source file='/srv/iso/drivers.img'/><target dev='fda'/></disk>
    <filesystem type='mount'><driver type='virtiofs'/><binary path='/usr/libexec/virtiofsd'/>
      <source dir='/srv/share/'/><target dir='/mnt/inside'/></filesystem>
    <hostdev mode='capabilities' type='storage'><source><block>/dev/sdf1</block></source></hostdev>
    <memory model='nvdimm'><source><path>/srv/nvdimm.img</path></source></memory>
    <serial type='file'><source path='/srv/log/serial.log'/><target port='0'/></serial>
    <console type='pty'><source path='/dev/pts/4'/></console>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>
  </devices>
  <qemu:commandline><qemu:arg value='-drive'/><qemu:arg value='if=none,file=/srv/extra.raw'/></qemu:commandline>
</domain>
"""


def test_each_path_of_a_definition_is_found_with_what_it_is_to_the_vm() -> None:
    found = {named.path: named.what for named in named_paths(xml.parse(_DOMAIN, "web"))}
    assert found == {
        "/usr/share/OVMF/OVMF_CODE.fd": "firmware",
        "/var/lib/libvirt/qemu/nvram/web_VARS.fd": "NVRAM",
        "/boot/vmlinuz": "kernel",
        "/boot/initrd": "initrd",
        "/srv/slic.dat": "file",
        "/home/ops/top.qcow2": "disk",
        "/srv/vm/mid.qcow2": "base image",
        "/srv/vm/base.qcow2": "base image",
        "/srv/new/top.qcow2": "copy being made",
        "/dev/vg/data": "disk",
        "/srv/iso/debian.iso": "medium",
        "/srv/iso/drivers.img": "medium",
        "/srv/share": "shared folder",
        "/dev/sdf1": "device",
        "/srv/nvdimm.img": "memory",
        "/srv/log/serial.log": "file",
        "/dev/tpm0": "TPM",
        "/srv/extra.raw": "file",
    }


def test_a_shared_folder_is_needed_with_all_that_is_below_it() -> None:
    kinds = {named.path: named.kind for named in named_paths(xml.parse(_DOMAIN, "web"))}
    assert [path for path, kind in kinds.items() if kind is UseKind.FOLDER] == ["/srv/share"]


def test_what_a_snapshot_names_is_called_by_the_snapshot() -> None:
    text = """<domainsnapshot><name>before</name><memory snapshot='external' file='/srv/vm/web.mem'/>
      <disks><disk name='vda' snapshot='external'><source file='/srv/vm/web.before'/></disk></disks>
      <domain><devices><disk type='file'><source file='/srv/vm/web.qcow2'/></disk></devices></domain>
    </domainsnapshot>"""
    found = named_paths(xml.parse(text, "before"), of="snapshot before")
    assert {named.path for named in found} == {"/srv/vm/web.mem", "/srv/vm/web.before", "/srv/vm/web.qcow2"}
    assert {named.what for named in found} == {"snapshot before"}
    assert all(named.may_have_base for named in found)


@pytest.mark.parametrize(
    ("disk", "known"),
    [
        ("<source file='/a'/><backingStore/>", {"/a"}),
        (
            "<source file='/a'/><backingStore type='file'><source file='/b'/><backingStore/></backingStore>",
            {"/a", "/b"},
        ),
        ("<source file='/a'/>", set()),
        ("<source file='/a'/><backingStore type='file'><source file='/b'/></backingStore>", set()),
    ],
)
def test_a_chain_is_known_only_when_it_is_told_to_its_end(disk: str, known: set[str]) -> None:
    root = xml.parse(f"<domain><devices><disk type='file'>{disk}</disk></devices></domain>", "web")
    assert known_chains(root) == known


def test_what_is_on_a_server_or_in_a_pool_is_found_wherever_it_is_named() -> None:
    text = """<domain><devices>
      <disk type='file'><source file='/srv/top.qcow2'/>
        <backingStore type='network'><source protocol='rbd' name='vms/base'/><backingStore/></backingStore>
        <mirror type='network'><source protocol='rbd' name='vms/copy'/></mirror></disk>
      <disk type='volume' device='cdrom'><source pool='iso' volume='debian.iso'/></disk>
      <disk type='dir' device='floppy'><source dir='/srv/drivers'/></disk>
      <filesystem type='volume'><source pool='vm' volume='inside'/></filesystem>
    </devices></domain>"""
    found = {(named.path, named.what, named.kind) for named in named_paths(xml.parse(text, "web"))}
    assert found == {
        ("/srv/top.qcow2", "disk", UseKind.FILE),
        ("vms/base", "base image", UseKind.FILE),
        ("vms/copy", "copy being made", UseKind.FILE),
        ("iso/debian.iso", "medium", UseKind.VOLUME),
        ("/srv/drivers", "medium", UseKind.FOLDER),
        ("vm/inside", "shared folder", UseKind.VOLUME),
    }
