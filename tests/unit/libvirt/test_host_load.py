"""The texts under /proc, and df's, as different machines give them, whole and broken."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.adapters.libvirt import file_systems
from novacron.adapters.libvirt.host_load import COMMAND, CpuTimes, parse
from novacron.model.host import HostLoad

DEBIAN = """\
cpu  100 10 50 800 20 5 10 5 7 0
0.52 0.40 0.31 2/345 6789
MemTotal:        8046252 kB
MemAvailable:    4046252 kB
psi cpu avg10=1.50 avg60=0.70 avg300=0.20 total=123
psi memory avg10=0.00 avg60=0.00 avg300=0.00 total=0
psi io avg10=12.25 avg60=3.00 avg300=1.00 total=456
Filesystem     1024-blocks     Used Available Capacity Mounted on
/dev/vda1         20000000  5000000  15000000      25% /
/dev/vda2         10000000  8000000   1000000      89% /var/lib/libvirt
kernel 6.1.0-25-amd64
"""


def test_everything_is_read_from_a_whole_answer():
    load, times = parse(DEBIAN, CpuTimes(busy=80, total=500))
    assert times == CpuTimes(busy=180, total=1000)
    assert load == HostLoad(
        cpu_percent=20.0,
        load_1m=0.52,
        memory_used_mib=3906,
        pressure_cpu=1.5,
        pressure_memory=0.0,
        pressure_io=12.25,
        root_used_fraction=8 / 9,
        root_path="/var/lib/libvirt",
    )


def test_the_first_answer_has_no_cpu_use():
    assert parse(DEBIAN, None)[0].cpu_percent is None


@pytest.mark.parametrize("before", [CpuTimes(busy=180, total=1000), CpuTimes(busy=9000, total=9999)])
def test_counters_that_stand_still_or_went_back_give_no_cpu_use(before):
    assert parse(DEBIAN, before)[0].cpu_percent is None


@pytest.mark.parametrize(("busy", "percent"), [(500, 0.0), (-900, 100.0)])
def test_cpu_use_stays_within_0_and_100(busy, percent):
    """iowait and steal may go backwards on their own."""
    assert parse(DEBIAN, CpuTimes(busy=busy, total=900))[0].cpu_percent == percent


def test_an_old_kernel_without_steal_and_guest_columns_is_read():
    assert parse("cpu  100 0 100 700 100\n", None)[1] == CpuTimes(busy=200, total=1000)


def test_a_kernel_without_pressure_leaves_it_unknown():
    text = "".join(line for line in DEBIAN.splitlines(keepends=True) if not line.startswith("psi"))
    load, _ = parse(text, None)
    assert (load.pressure_cpu, load.pressure_memory, load.pressure_io) == (None, None, None)
    assert load.load_1m == 0.52


def test_one_pressure_of_three_is_taken_alone():
    load, _ = parse("psi io avg10=3.00 avg60=0.00 avg300=0.00 total=1\n", None)
    assert (load.pressure_cpu, load.pressure_io) == (None, 3.0)


def test_a_kernel_that_does_not_tell_what_is_available_leaves_memory_unknown():
    assert parse(DEBIAN.replace("MemAvailable", "MemSwappable"), None)[0].memory_used_mib is None


def test_a_container_that_has_more_available_than_it_has_uses_none():
    assert parse("MemTotal: 100 kB\nMemAvailable: 200 kB\n", None)[0].memory_used_mib == 0


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("/dev/mapper/vg0-root_with_a_long_name 1000 250 750 25% /", (0.25, "/")),
        ("overlay 1000 500 500 50% /var/lib/libvirt/my images", (0.5, "/var/lib/libvirt/my images")),
        ("nfs:/exports/a 1000 1000 0 100% /", (1.0, "/")),
        ("tmpfs\t1000\t100\t900\t10%\t/", (0.1, "/")),
        ("none 0 0 0 - /", (None, "")),
        ("none 0 0 0 0% /", (None, "")),
        ("df: /var: Permission denied", (None, "")),
        ("/dev/sda1 1000 250 750 25%", (None, "")),
    ],
)
def test_the_fullest_file_system_as_df_writes_it(line, found):
    load, _ = parse(f"Filesystem 1024-blocks Used Available Capacity Mounted on\n{line}\n", None)
    assert (load.root_used_fraction, load.root_path) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cpu  \n",
        "cpu  1 2\n",
        "cpu  1 2 3 x\n",
        "psi cpu avg10=. avg60=0\n",
        "psi cpu avg10=1.2.3 avg60=0\n",
        "psi cpu avg10=\n",
        ". . . 1/2\n",
        "1.2.3 0 0 1/2 3\n",
        "MemTotal: kB\nMemAvailable: 12\n",
        f"cpu  {'9' * 5000} 1 2 3\nMemTotal: {'9' * 5000} kB\nMemAvailable: 1 kB\n",
        f"/dev/a {'9' * 5000} {'9' * 5000} 1 1% /\n",
        "cpu " + "1 " * 20_000 + "x\n",
        "-bash: /proc/stat: No such file or directory\n",
    ],
)
def test_a_broken_line_is_as_good_as_none(text):
    load, _ = parse(text, CpuTimes(busy=0, total=0))
    assert load == HostLoad()


@given(st.text(alphabet="cpu sirmoavgMTtlAbe10.=:/%-9\n\t"))
def test_no_text_makes_it_fail(text):
    parse(text, CpuTimes(busy=0, total=0))


@given(st.integers(0, len(DEBIAN)))
def test_an_answer_that_was_cut_anywhere_still_reads(length):
    load, _ = parse(DEBIAN[:length], None)
    assert load.load_1m in (0.52, None)
    assert load.memory_used_mib in (3906, None)


def test_this_machine_gives_what_is_read():
    said = [
        subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout
        for command in (COMMAND, file_systems.COMMAND)
    ]
    load, times = parse("".join(said), None)
    assert times is not None
    assert load.load_1m is not None
    assert load.memory_used_mib
    assert load.root_path.startswith("/")
