"""Which file a name means, asked of a real kernel by the commands that a host is asked by."""

import asyncio
import itertools
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from novacron.adapters.libvirt.access import RunResult
from novacron.adapters.libvirt.file_table import FileQuestions, FileTable
from novacron.model.errors import DeadlineExceeded, LinkLost
from novacron.model.files import NODE, UseKind
from novacron.model.shared_file_systems import is_local, numbers_files_alike
from tests.fake_clock import FakeClock

needs_qemu_img = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed here")


class LocalShell:
    """This machine, as a way to a host."""

    has_shell = True

    def __init__(self) -> None:
        self.ran: list[tuple[str, ...]] = []
        self.error: Exception | None = None

    async def run(self, argv: Sequence[str], *, deadline_s: float, stdin: bytes = b"") -> RunResult:
        """Run it here."""
        self.ran.append(tuple(argv))
        if self.error is not None:
            raise self.error
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, stderr=pipe)
        out, err = await process.communicate(stdin)
        return RunResult(exit_status=process.returncode or 0, stdout=out, stderr=err)


async def _table(
    *paths: Path, images: Sequence[Path] = (), backing: dict[str, str] | None = None, shell: LocalShell | None = None
) -> FileTable:
    table = FileTable(shell or LocalShell(), FakeClock())
    await _ask(table, *paths, images=images, backing=backing)
    return table


async def _ask(
    table: FileTable, *paths: Path, images: Sequence[Path] = (), backing: dict[str, str] | None = None
) -> None:
    named = {*map(str, paths), *map(str, images), *(backing or {})}
    table.read(FileQuestions(paths=frozenset(named), images=frozenset(map(str, images)), backing=backing or {}))
    await table.wait(30)


async def test_links_and_hard_links_are_the_file_they_lead_to(tmp_path: Path) -> None:
    real, link, hard, other = (tmp_path / name for name in ("real", "a link, with 'quotes'", "hard\nlink", "other"))
    real.write_text("x")
    other.write_text("x")
    link.symlink_to(real)
    os.link(real, hard)
    table = await _table(real, link, hard, other)
    assert table.trouble == ""
    one = table.identity(str(real))
    assert one is not None
    assert one.is_there
    assert one.file_system
    assert table.identity(str(link)) == table.identity(str(hard)) == one
    assert table.identity(str(other)) != one


async def test_a_file_that_is_not_there_is_known_not_to_be_there(tmp_path: Path) -> None:
    missing, below = tmp_path / "missing", tmp_path / "file" / "below"
    (tmp_path / "file").write_text("")
    table = await _table(missing, below, tmp_path)
    for path in (missing, below):
        identity = table.identity(str(path))
        assert identity is not None
        assert not identity.is_there
    assert table.identity("/somewhere/never/asked") is None


async def test_a_link_in_a_circle_is_not_known_rather_than_absent(tmp_path: Path) -> None:
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    table = await _table(tmp_path / "ring")
    assert table.identity(str(tmp_path / "ring")) is None


async def test_a_device_node_is_its_device_whatever_it_is_called(tmp_path: Path) -> None:
    link = tmp_path / "disk"
    link.symlink_to("/dev/zero")
    table = await _table(link, Path("/dev/zero"), Path("/dev/full"))
    one = table.identity("/dev/zero")
    assert one is not None
    assert one.device == NODE
    assert table.identity(str(link)) == one
    assert table.identity("/dev/full") != one


async def test_a_folder_is_known_with_those_above_it(tmp_path: Path) -> None:
    table = await _table(tmp_path, *tmp_path.parents)
    assert len(table.folders(str(tmp_path))) == len(tmp_path.parents) + 1


def _make_chain(folder: Path, names: list[str]) -> None:
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", names[0], "1M"], check=True, cwd=folder)
    for below, above in itertools.pairwise(names):
        words = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", f"{folder}/linked/{below}", "-F", "qcow2", above]
        subprocess.run(words, check=True, cwd=folder)


@needs_qemu_img
async def test_a_chain_outside_any_pool_is_followed_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(tmp_path)
    names = ["base.qcow2", "mid.qcow2", "top.qcow2"]
    _make_chain(tmp_path, names)
    shell = LocalShell()
    table = await _table(tmp_path / names[0], images=[tmp_path / "top.qcow2"], shell=shell)
    bases = list(table.bases(str(tmp_path / "top.qcow2")))
    assert [base.path for base in bases] == [f"{tmp_path}/linked/{name}" for name in ("mid.qcow2", "base.qcow2")]
    assert bases[-1].file == table.identity(str(tmp_path / names[0]))
    # A header that was read is not read again while its file stays as it is.
    shell.ran.clear()
    await _ask(table, images=[tmp_path / "top.qcow2"])
    assert not [argv for argv in shell.ran if argv[0] == "head"]
    assert len(list(table.bases(str(tmp_path / "top.qcow2")))) == 2


async def test_a_ring_of_bases_ends() -> None:
    table = await _table(backing={"/a": "/b", "/b": "/a"})
    assert [base.path for base in table.bases("/a")] == ["/b"]


async def test_an_image_whose_header_cannot_be_read_may_be_based_on_anything(tmp_path: Path) -> None:
    (tmp_path / "cut.qcow2").write_bytes(b"QFI\xfb\0\0")
    table = await _table(images=[tmp_path / "cut.qcow2"])
    assert [base.kind for base in table.bases(str(tmp_path / "cut.qcow2"))] == [UseKind.UNREAD]


async def test_storage_that_hangs_leaves_everything_unknown_and_is_left_in_peace_for_a_while(tmp_path: Path) -> None:
    shell = LocalShell()
    table = await _table(tmp_path, shell=shell)
    shell.error = DeadlineExceeded("host", "no answer")
    await _ask(table, tmp_path)
    assert "hangs" in table.trouble
    assert table.identity(str(tmp_path)) is None
    shell.ran.clear()
    await _ask(table, tmp_path)
    assert shell.ran == []


async def test_a_broken_way_is_a_trouble_and_the_next_inventory_mends_it(tmp_path: Path) -> None:
    shell = LocalShell()
    shell.error = LinkLost("host", "the connection is gone")
    table = await _table(tmp_path, shell=shell)
    assert "the connection is gone" in table.trouble
    shell.error = None
    await _ask(table, tmp_path)
    assert table.trouble == ""


async def test_a_host_without_commands_says_that_files_cannot_be_looked_at(tmp_path: Path) -> None:
    shell = LocalShell()
    shell.has_shell = False
    table = await _table(tmp_path, shell=shell)
    assert "no commands" in table.trouble


@needs_qemu_img
async def test_a_base_that_was_set_after_the_pool_was_read_is_needed(tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(tmp_path)
    _make_chain(tmp_path, ["new.qcow2", "top.qcow2"])
    top, old = tmp_path / "top.qcow2", str(tmp_path / "old.qcow2")
    table = await _table(images=[top], backing={str(top): old})
    assert [base.path for base in table.bases(str(top))] == [old, f"{tmp_path}/linked/new.qcow2"]


async def test_a_header_that_may_not_be_read_leaves_what_the_pool_says(tmp_path: Path) -> None:
    (tmp_path / "cut.qcow2").write_bytes(b"QFI\xfb\0\0")
    table = await _table(images=[tmp_path / "cut.qcow2"], backing={str(tmp_path / "cut.qcow2"): "/srv/base"})
    assert [(base.path, base.kind) for base in table.bases(str(tmp_path / "cut.qcow2"))] == [
        ("/srv/base", UseKind.FILE)
    ]


async def test_what_is_asked_while_a_look_is_under_way_is_looked_at_after_it(tmp_path: Path) -> None:
    table = FileTable(LocalShell(), FakeClock())
    (tmp_path / "new").write_text("")
    for path in (tmp_path, tmp_path / "new"):
        table.read(FileQuestions(paths=frozenset({str(path)}), images=frozenset(), backing={}))
    await table.wait(30)
    assert table.trouble == ""
    assert table.identity(str(tmp_path / "new")) is not None


class ExportingShell(LocalShell):
    """This machine, as if it let other hosts mount a folder."""

    def __init__(self, etab: Path) -> None:
        super().__init__()
        self._etab = etab

    async def run(self, argv: Sequence[str], *, deadline_s: float, stdin: bytes = b"") -> RunResult:
        """Run it here, with another list of exports."""
        words = [word.replace("/var/lib/nfs/etab", str(self._etab)) for word in argv]
        return await super().run(words, deadline_s=deadline_s, stdin=stdin)


async def test_a_file_that_others_may_mount_is_not_the_hosts_own(tmp_path: Path) -> None:
    (tmp_path / "etab").write_text(f"{tmp_path}\t10.0.0.0/24(rw,sync)\n/nowhere\t*(ro)\n")
    file = tmp_path / "disk"
    file.write_text("")
    own = (await _table(file)).identity(str(file))
    lent = (await _table(file, shell=ExportingShell(tmp_path / "etab"))).identity(str(file))
    assert own is not None
    assert lent is not None
    assert is_local(own.file_system)
    assert not is_local(lent.file_system)
    assert numbers_files_alike(lent.file_system)
    assert (own.device, own.inode) == (lent.device, lent.inode)


async def test_pipes_and_sockets_that_a_snapshot_names_are_not_read(tmp_path: Path) -> None:
    pipe, path = tmp_path / "pipe", tmp_path / "socket"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        table = await _table(images=[path])
        assert (table.trouble, list(table.bases(str(path)))) == ("", [])
    shell = LocalShell()
    table = FileTable(shell, FakeClock())
    table.read(FileQuestions(paths=frozenset(), images=frozenset({str(pipe)}), backing={}))
    await table.wait(2)
    table.close()
    assert not [argv for argv in shell.ran if argv[0] == "head"]


async def test_a_name_that_is_no_text_is_found_by_its_bytes_and_one_that_looks_so_by_itself(tmp_path: Path) -> None:
    os.mknod(os.fsencode(tmp_path) + b"/not\xffutf8")
    (tmp_path / "literal\\xff").write_text("")
    spelled, literal = tmp_path / "not\\xffutf8", tmp_path / "literal\\xff"
    table = await _table(spelled, literal, tmp_path / "none\\xff")
    for path in (spelled, literal):
        identity = table.identity(str(path))
        assert identity is not None
        assert identity.is_there
    absent = table.identity(str(tmp_path / "none\\xff"))
    assert absent is None or not absent.is_there
