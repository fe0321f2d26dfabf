"""A lab host writes wherever it likes, and nothing of the machine changes."""

import os
from pathlib import Path

import pytest

from novacron.lab.faults import make_fault, mend_all
from novacron.lab.lab import Lab

pytestmark = pytest.mark.lab

FOLDERS = (
    "srv",
    "opt",
    "home",
    "etc",
    "root",
    "tmp",
    "usr",
    "usr/lib",
    "var",
    "var/lib",
    "var/tmp",
    "mnt",
    "media",
    "run",
)
NAME = "written-by-a-lab-host"


def test_a_write_on_a_host_stays_on_that_host(lab: Lab) -> None:
    folders = [f"/{name}" for name in FOLDERS if Path("/", name).is_dir()]
    script = 'for folder; do echo here >"$folder/written-by-a-lab-host" && echo "$folder"; done 2>/dev/null; true'
    written = lab.run("lab1", ["sh", "-c", script, "sh", "/", *folders]).split()
    if os.geteuid() == 0:
        # In a user namespace what root owns outside belongs to nobody inside.
        assert written == ["/", *folders]
    assert {"/root", "/run"} <= set(written)
    for folder in written:
        assert lab.run("lab1", ["cat", f"{folder}/{NAME}"]) == "here\n"
        assert not Path(folder, NAME).exists(), f"{folder} is the machine's"
        assert lab.attempt("lab2", ["test", "-e", f"{folder}/{NAME}"]).returncode == 1, f"{folder} is shared"


def test_what_a_host_overwrites_and_deletes_stays_on_the_machine(lab: Lab) -> None:
    if os.geteuid() != 0:
        pytest.skip("what root owns outside cannot be changed from a user namespace in any case")
    motd = Path("/etc/issue").read_bytes()
    lab.run("lab1", ["sh", "-c", "echo changed >/etc/issue; mv /etc/os-release /etc/moved; rm -r /usr/share/doc"])
    assert lab.run("lab1", ["cat", "/etc/issue"]) == "changed\n"
    assert Path("/etc/issue").read_bytes() == motd
    assert Path("/etc/os-release").exists()
    assert Path("/usr/share/doc").is_dir()


def test_no_mount_of_the_machine_is_left_on_a_host_but_what_lies_under_its_layers(lab: Lab) -> None:
    mounts = lab.run("lab1", ["cat", "/proc/self/mounts"]).splitlines()
    kinds = {line.split()[1]: line.split()[2] for line in mounts}
    assert kinds["/"] == "tmpfs", "the host's own disk"
    assert str(lab.layout.state) not in {*kinds}
    for place in ("/usr", "/etc", "/srv"):
        assert kinds[place] == "overlay"


def test_what_a_host_wrote_is_there_after_a_crash(lab: Lab) -> None:
    lab.run("lab3", ["sh", "-c", "echo kept >/srv/kept"])
    make_fault(lab, "crash", "lab3")
    mend_all(lab)
    assert lab.run("lab3", ["cat", "/srv/kept"]) == "kept\n"
