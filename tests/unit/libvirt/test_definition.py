"""Definitions: ours are data all the way through, and of foreign ones everything is read that is there."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from novacron.adapters.libvirt import definition, xml
from novacron.adapters.libvirt.storage import _volume_xml
from novacron.model.errors import OperationError
from novacron.model.ids import HostId
from novacron.model.operations.creation import CreateVm, definition_of
from novacron.model.plan.input_limits import refuse_text
from novacron.model.vm import VmDisk, VmNic
from tests.builders import an_id

SCHEMA = Path("/usr/share/libvirt/schemas/domain.rng")
ANY_TEXT = st.text(max_size=40) | st.sampled_from(
    [
        "</name><devices/>",
        "&lt;",
        "]]>",
        "<!DOCTYPE a>",
        "a\r\nb",
        "\t\n ",
        "'\"&<>",
        "${x}",
        "\u00a0\u200d\u2028",
        "\U0001f642",
    ]
)


def an_intent(**fields: object) -> CreateVm:
    return CreateVm(vm=an_id("web-1"), host=HostId("kvm-1"), **{"name": "web-1"} | fields)  # type: ignore[arg-type]


def _write(
    intent: CreateVm, *, disk_path: str = "/vm/web-1.qcow2", domain_type: str = "qemu", direct_io: bool = True
) -> str:
    return definition.write(definition_of(intent, disk_path), domain_type=domain_type, direct_io=direct_io)


def _strange(text: str) -> bool:
    return refuse_text("text", text) is not None


@given(name=ANY_TEXT, description=ANY_TEXT, path=ANY_TEXT, network=ANY_TEXT, kernel=ANY_TEXT, cmdline=ANY_TEXT)
def test_any_text_stays_data_or_is_refused(name, description, path, network, kernel, cmdline):
    texts = (name, description, path, network, kernel, cmdline)
    intent = an_intent(name=name, description=description, network=network, kernel=kernel, cmdline=cmdline)
    try:
        text = _write(intent, disk_path=path)
    except OperationError:
        assert any(map(_strange, texts))
        return
    root = etree.fromstring(text.encode())
    assert (root.findtext("name") or "") == name
    assert (root.findtext("description") or "") == description
    disks = [source.get("file") for source in root.iterfind("devices/disk/source")]
    assert disks == ([path] if path else [])
    nics = [source.get("network") for source in root.iterfind("devices/interface/source")]
    assert nics == ([network] if network else [])
    assert (root.findtext("os/kernel") or "") == kernel
    assert (root.findtext("os/cmdline") or "") == (cmdline if kernel else "")
    allowed = {"name", "uuid", "description", "metadata", "memory", "currentMemory", "vcpu", "os", "features", "clock"}
    assert {element.tag for element in root} <= allowed | {"on_poweroff", "on_reboot", "on_crash", "devices"}


@given(name=ANY_TEXT, description=ANY_TEXT, path=ANY_TEXT)
def test_what_was_written_reads_back_the_same(name, description, path):
    if any(map(_strange, (name, description, path))):
        return
    found = definition.read(_write(an_intent(name=name, description=description, vcpus=3), disk_path=path), name)
    assert found.description == description
    assert [disk.source for disk in found.disks] == ([path] if path else [])
    assert (found.size.vcpus, found.size.memory_mib, not found.serial_problem) == (3, 512, True)


@given(ANY_TEXT)
def test_a_volumes_name_stays_data_or_is_refused(name):
    try:
        text = _volume_xml(name, 1)
    except OperationError:
        assert _strange(name)
        return
    assert (etree.fromstring(text.encode()).findtext("name") or "") == name


@given(st.characters())
def test_what_a_plan_refuses_is_what_xml_cannot_hold(character):
    try:
        _write(an_intent(description=character))
    except OperationError:
        assert _strange(character)
    else:
        assert not _strange(character)


@pytest.mark.skipif(not SCHEMA.exists(), reason="libvirt's schemas are in its daemon's package")
@pytest.mark.parametrize("domain_type", ["qemu", "kvm"])
@pytest.mark.parametrize("kernel", ["", "/boot/vmlinuz"])
def test_what_we_write_is_valid_by_libvirts_own_schema(domain_type, kernel):
    schema = etree.RelaxNG(etree.parse(str(SCHEMA)))
    intent = an_intent(description="d", network="default", kernel=kernel, initrd=kernel, cmdline="console=ttyS0")
    schema.assertValid(etree.fromstring(_write(intent, domain_type=domain_type).encode()))


def test_a_host_cpu_is_asked_for_with_kvm_alone_and_no_cache_with_direct_io_alone():
    assert "<cpu" in _write(an_intent(), domain_type="kvm")
    assert "<cpu" not in _write(an_intent(), domain_type="qemu")
    assert 'cache="none"' in _write(an_intent(), direct_io=True)
    assert "cache=" not in _write(an_intent(), direct_io=False)


def test_a_vm_of_ours_is_known_again_by_its_own_mark_alone():
    text = _write(an_intent())
    assert definition.created_by_us(text, "web-1")
    assert not definition.created_by_us(text.replace("created>", "made>"), "web-1")
    other = text.replace(f"<uuid>{an_id('web-1')}", f"<uuid>{an_id('clone')}")
    assert not definition.created_by_us(other, "a clone's mark is its original's")
    assert not definition.created_by_us("<domain/>", "web-1")


FOREIGN = """<?xml version="1.0" encoding="ISO-8859-1"?>
<domain type='kvm' id='3' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <!-- a comment --><name>db</name><uuid>x</uuid><title>t</title>
  <description>B\u00fc<![CDATA[<cher>]]>\u6587</description>
  <memory unit='GiB'>4</memory><currentMemory unit='KiB'> 2097152 </currentMemory><vcpu current='2'>8</vcpu>
  <future><thing/></future>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/a'/><target dev='vda'/></disk>
    <disk type='block' device='lun'><driver type='raw'/><source dev='/dev/sda'/><target dev='sda'/><shareable/></disk>
    <disk type='network' device='disk'><source protocol='rbd' name='pool/image'/><target dev='vdb'/></disk>
    <disk type='volume' device='disk'><source pool='vm' volume='x.img'/><target dev='vdc'/><readonly/></disk>
    <disk type='volume' device='disk'><source volume='y.img'/></disk>
    <disk type='file' device='cdrom'><target dev='hda'/></disk>
    <disk type='future'><source thing='1'/></disk>
    <disk/>
    <interface type='network'><mac address='52:54:00:00:00:01'/><source network='lan'/><model type='virtio'/>
      <target dev='vnet3'/></interface>
    <interface type='bridge'><source bridge='br0'/></interface>
    <interface type='direct'><source dev='eth0' mode='bridge'/></interface>
    <interface type='user'/>
    <console type='pty'/>
  </devices>
  <qemu:commandline><qemu:arg value='-foo'/></qemu:commandline>
</domain>"""


def test_a_foreign_definition_is_read_with_all_its_kinds_of_disks_and_nics():
    found = definition.read(FOREIGN, "db")
    assert found.disks == (
        VmDisk(target="vda", source="/a", format="qcow2"),
        VmDisk(target="sda", source="/dev/sda", shareable=True, kind="lun", storage="block"),
        VmDisk(target="vdb", source="pool/image", storage="network", protocol="rbd"),
        VmDisk(target="vdc", source="vm/x.img", readonly=True, storage="volume"),
        VmDisk(target="", source="/y.img", storage="volume"),
        VmDisk(target="hda", source="", readonly=True, kind="cdrom"),
        VmDisk(target="", source="future source of ", storage="future"),
        VmDisk(target="", source="file source of "),
    )
    assert found.nics == (
        VmNic(mac="52:54:00:00:00:01", network="lan", model="virtio", link="vnet3"),
        VmNic(mac="", network="br0", kind="bridge"),
        VmNic(mac="", network="eth0 bridge", kind="direct"),
        VmNic(mac="", network="", kind="user"),
    )
    assert found.description == "B\u00fc<cher>\u6587", "whatever encoding its first line still names"
    assert (found.size.vcpus, found.size.memory_mib, not found.serial_problem) == (2, 2048, True)


@pytest.mark.parametrize(
    ("text", "vcpus", "memory_mib"),
    [
        ("<domain/>", 1, 0),
        ("<domain><vcpu/><memory/></domain>", 1, 0),
        ("<domain><vcpu>many</vcpu><memory>much</memory></domain>", 1, 0),
        ("<domain><vcpu>\u00b2</vcpu><memory>\u00b2</memory></domain>", 1, 0),
        ("<domain><vcpu>-4</vcpu><memory>-4</memory></domain>", 1, 0),
        (f"<domain><vcpu>{'9' * 5000}</vcpu><memory>{'9' * 5000}</memory></domain>", 1, 0),
        ("<domain><vcpu>\n 4 \n</vcpu><memory>1048576</memory></domain>", 4, 1024),
        ("<domain><memory unit='bytes'>1048576</memory></domain>", 1, 1),
        ("<domain><memory unit='parsec'>2048</memory></domain>", 1, 2),
        ("<domain><currentMemory>0</currentMemory><memory unit='G'>1</memory></domain>", 1, 1024),
    ],
)
def test_numbers_that_are_none_do_not_hide_the_vm(text, vcpus, memory_mib):
    found = definition.read(text, "x")
    assert (found.size.vcpus, found.size.memory_mib) == (vcpus, memory_mib)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not xml",
        "<domain>",
        "<domain></name></domain>",
        "<domain>\x00</domain>",
        "<domain>&unknown;</domain>",
        "<a>" * 5000 + "</a>" * 5000,
        "<domain>" + "x" * xml.LARGEST + "</domain>",
    ],
    ids=range(8),
)
def test_xml_that_is_none_is_refused_in_words(text):
    with pytest.raises(OperationError, match="XML") as caught:
        definition.read(text, "db")
    assert caught.value.subject == "db"
    assert "virsh dumpxml" in caught.value.remedy


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE domain>",
        '<!DOCTYPE domain SYSTEM "http://127.0.0.1:1/x.dtd">',
        '<!DOCTYPE domain [<!ENTITY e SYSTEM "file://{secret}">]>',
        "<!DOCTYPE domain [<!ENTITY e 'harmless'>]>",
    ],
)
def test_a_document_type_is_refused_with_all_its_entities(tmp_path, doctype):
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    body = "&e;" if "ENTITY" in doctype else ""
    text = doctype.replace("{secret}", str(secret)) + f"<domain><name>{body}</name></domain>"
    with pytest.raises(OperationError, match="document type") as caught:
        xml.parse(text, "db")
    assert "hidden" not in str(caught.value)


def test_entities_that_would_grow_without_bound_are_refused_at_once():
    grow = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 12))
    text = f"<!DOCTYPE d [<!ENTITY e0 'xxxxxxxxxx'>{grow}]><d a='&e11;'>&e11;</d>"
    with pytest.raises(OperationError):
        xml.parse(text, "db")


def test_a_word_that_only_looks_like_a_document_type_is_text():
    root = xml.parse("<d><![CDATA[<!DOCTYPE d>]]><!-- <!DOCTYPE d> --></d>", "db")
    assert root.text == "<!DOCTYPE d>"


def test_an_inclusion_is_not_followed(tmp_path):
    (tmp_path / "secret").write_text("hidden")
    uri = "http://www.w3.org/2001/XInclude"
    root = xml.parse(f"<d xmlns:x='{uri}'><x:include href='{tmp_path}/secret' parse='text'/></d>", "db")
    assert "hidden" not in xml.write(root)
