"""What images say that they are based on, as qemu-img itself writes them."""

import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.adapters.libvirt.image_headers import HEAD_BYTES, UnreadableHeader, absolute_base, bases_named

needs_qemu_img = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed here")


def _make(*words: str, folder: Path) -> None:
    subprocess.run(["qemu-img", "create", "-q", *words], check=True, cwd=folder)


def _bases(path: Path) -> tuple[str, ...]:
    return bases_named(path.read_bytes()[:HEAD_BYTES], str(path))


@needs_qemu_img
@pytest.mark.parametrize("kind", ["qcow2", "qed"])
@pytest.mark.parametrize(
    "name",
    [
        "base.raw",
        "./sub/../base.raw",
        "file:base.raw",
        'json:{"driver":"raw","file":{"driver":"file","filename":"base.raw"}}',
    ],
)
def test_a_base_is_named_as_the_host_would_open_it(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / "sub").mkdir()
    _make("-f", "raw", "base.raw", "1M", folder=tmp_path)
    _make("-f", kind, "-b", name, "-F", "raw", "top.img", folder=tmp_path)
    (base,) = _bases(tmp_path / "top.img")
    assert Path(base).resolve() == tmp_path / "base.raw"


@needs_qemu_img
def test_an_external_data_file_is_needed_as_well(tmp_path: Path) -> None:
    _make("-f", "qcow2", "-o", "data_file=data.raw", "top.qcow2", "1M", folder=tmp_path)
    assert _bases(tmp_path / "top.qcow2") == (str(tmp_path / "data.raw"),)


@needs_qemu_img
@pytest.mark.parametrize("kind", ["raw", "qcow2", "qed", "vmdk"])
def test_an_image_that_stands_alone_has_no_base(tmp_path: Path, kind: str) -> None:
    _make("-f", kind, "alone.img", "1M", folder=tmp_path)
    assert _bases(tmp_path / "alone.img") == ()


@needs_qemu_img
def test_a_base_of_vmdk_is_found(tmp_path: Path) -> None:
    _make("-f", "vmdk", "base.vmdk", "1M", folder=tmp_path)
    _make("-f", "vmdk", "-b", "base.vmdk", "-F", "vmdk", "top.vmdk", folder=tmp_path)
    assert _bases(tmp_path / "top.vmdk") == (str(tmp_path / "base.vmdk"),)


@pytest.mark.parametrize("head", [b"QFI\xfb", b"QED\0", b"vhdxfile" + bytes(100), b"conectix" + bytes(100)])
def test_what_cannot_be_told_is_not_taken_for_nothing(head: bytes) -> None:
    with pytest.raises(UnreadableHeader):
        bases_named(head, "/srv/x")


@given(st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_unreadable(tail: bytes) -> None:
    for magic in (b"QFI\xfb\0\0\0\x03", b"QED\0", b"KDMV", b""):
        with contextlib.suppress(UnreadableHeader):
            assert isinstance(bases_named(magic + tail, "/srv/x"), tuple)


@pytest.mark.parametrize(
    "name",
    [
        "rbd:vms/base",
        "rbd:vms/base@clean:id=libvirt:mon_host=10.0.0.1\\:6789",
        'json:{"driver":"raw","file":{"driver":"rbd","pool":"vms","image":"base","server.0.host":"10.0.0.1"}}',
        'json:{"file.driver":"rbd","file.pool":"vms","file.image":"base"}',
    ],
)
def test_a_base_in_ceph_is_named_as_its_pool_lists_it(name: str) -> None:
    assert absolute_base(name, "/srv/vm/top.qcow2") == "vms/base"
