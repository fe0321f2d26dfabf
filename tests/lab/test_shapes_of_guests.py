"""Guests of many shapes: another size, judged by libvirt's live and stored definition, and their serial consoles."""

from collections.abc import Iterator
from functools import partial

import pytest
from lxml import etree

from novacron.lab.lab import Lab
from tests.lab.jump_host import JumpHost, at_a_jump_host
from tests.lab.serial_line import wait_booted
from tests.lab_fixtures import MakeVm, eventually
from tests.terminal import Terminal

pytestmark = pytest.mark.lab

_HOST = "lab1"
_ROOMY = "<memory unit='MiB'>256</memory><currentMemory unit='MiB'>192</currentMemory><vcpu current='1'>4</vcpu>"
_PINNED = f"{_ROOMY}<cputune><vcpupin vcpu='3' cpuset='0'/></cputune>"
_ONE_BY_ONE = f"""{_ROOMY}<vcpus>
  <vcpu id='0' enabled='yes' hotpluggable='no'/><vcpu id='1' enabled='no' hotpluggable='yes'/>
  <vcpu id='2' enabled='no' hotpluggable='yes'/><vcpu id='3' enabled='no' hotpluggable='yes'/></vcpus>"""
_CELLS = f"""{_ROOMY}<cpu><topology sockets='2' cores='2' threads='1'/><numa>
  <cell id='0' cpus='0-1' memory='128' unit='MiB'/><cell id='1' cpus='2-3' memory='128' unit='MiB'/></numa></cpu>"""


@pytest.fixture
def operator(lab: Lab) -> Iterator[JumpHost]:
    """An operator of this lab."""
    with at_a_jump_host(lab) as person:
        yield person


def _reshape(lab: Lab, vm: str, shape: str = "", *, without: tuple[str, ...] = (), devices: str = "") -> str:
    """Define a VM anew with these elements and devices instead of its own; return its definition."""
    root = etree.fromstring(lab.virsh(_HOST, "dumpxml", "--inactive", vm).encode())
    _put(root, shape)
    for old in [one for one in root.find("devices") if one.tag in without]:
        root.find("devices").remove(old)
    _put(root.find("devices"), devices)
    lab.run(_HOST, ["virsh", "-q", "define", "/dev/stdin"], stdin=etree.tostring(root, encoding="unicode"))
    return lab.virsh(_HOST, "dumpxml", "--inactive", vm)


def _put(parent: etree._Element, elements: str) -> None:
    new = list(etree.fromstring(f"<x>{elements}</x>"))
    for old in [one for one in parent if one.tag in {element.tag for element in new}]:
        parent.remove(old)
    parent.extend(new)


def _size(lab: Lab, vm: str, *flags: str) -> tuple[int, int, int, int]:
    """Return vCPUs, their maximum, MiB and their maximum, by libvirt's definition."""
    root = etree.fromstring(lab.virsh(_HOST, "dumpxml", vm, *flags).encode())
    most, mib = int(root.findtext("vcpu")), [int(root.findtext(tag)) // 1024 for tag in ("currentMemory", "memory")]
    return int(root.find("vcpu").get("current", most)), most, *mib


def test_running_guests_take_a_size_now_or_at_their_next_start_and_it_is_said_which(
    lab: Lab, operator: JumpHost, make_vm: MakeVm
) -> None:
    shapes = {"pinned": _PINNED, "one-by-one": _ONE_BY_ONE, "cells": _CELLS}
    ids = {name: make_vm(_HOST, name, start=False) for name in (*shapes, "rigid")}
    for name, shape in shapes.items():
        _reshape(lab, name, shape)
    _reshape(lab, "rigid", _ROOMY, devices="<memballoon model='none'/>")
    for name in ids:
        lab.virsh(_HOST, "start", name)
    for name in ids:
        wait_booted(lab, _HOST, name)
    for name in shapes:
        said = operator.run("resize", name, "--vcpus", "2", "--memory", "160", "--yes").stdout.decode()
        assert "now and at its next start" in said, said
        assert _size(lab, name) == _size(lab, name, "--inactive") == (2, 4, 160, 256)
    assert "vcpupin vcpu='3'" in lab.virsh(_HOST, "dumpxml", "--inactive", "pinned")
    said = operator.run("resize", "rigid", "--vcpus", "2", "--memory", "192", "--yes").stdout.decode()
    assert "balloon" in said, said
    assert _size(lab, "rigid") == (2, 4, 256, 256)
    assert _size(lab, "rigid", "--inactive") == (2, 4, 192, 192)
    assert eventually(lambda: operator.vm(ids["rigid"])["pending"] == {"vcpus": None, "memory_mib": 192})
    for figures in (("--vcpus", "6"), ("--memory", "512")):
        refused = operator.run("resize", "cells", *figures, "--yes", code=3)
        assert b"NUMA" in refused.stderr or b"topology" in refused.stderr
    said = operator.run("resize", "pinned", "--vcpus", "6", "--yes").stdout.decode()
    assert "from its next start on" in said, said
    assert (_size(lab, "pinned")[0], _size(lab, "pinned", "--inactive")[:2]) == (2, (6, 6))


def test_guests_without_a_process_or_a_stored_definition_are_resized_as_what_they_are(
    lab: Lab, operator: JumpHost, make_vm: MakeVm
) -> None:
    for name in ("off", "saved", "passing"):
        make_vm(_HOST, name, start=False)
    _reshape(lab, "off", _PINNED)
    operator.run("resize", "off", "--vcpus", "3", "--memory", "128", "--yes")
    assert _size(lab, "off") == (3, 4, 128, 256)
    operator.run("resize", "off", "--memory", "384", "--yes")
    assert _size(lab, "off") == (3, 4, 384, 384)

    transient = _reshape(lab, "passing", _ROOMY)
    lab.virsh(_HOST, "undefine", "passing")
    lab.run(_HOST, ["virsh", "-q", "create", "/dev/stdin"], stdin=transient)
    said = operator.run("resize", "passing", "--vcpus", "2", "--yes").stdout.decode()
    assert "until it is powered off" in said, said
    assert _size(lab, "passing")[:2] == (2, 4)
    assert "passing" not in lab.virsh(_HOST, "list", "--all", "--name", "--persistent").split()
    assert b"transient" in operator.run("resize", "passing", "--memory", "512", "--yes", code=3).stderr

    lab.virsh(_HOST, "start", "saved")
    lab.virsh(_HOST, "managedsave", "saved")
    before = _size(lab, "saved")
    assert b"managedsave-remove" in operator.run("resize", "saved", "--memory", "256", "--yes", code=3).stderr
    assert _size(lab, "saved") == before
    lab.virsh(_HOST, "managedsave-remove", "saved")


_PTY = "<serial type='pty'><target port='{port}'/></serial>"
_TCP = "<serial type='tcp'><source mode='bind' host='127.0.0.1' service='{service}'/><target port='0'/></serial>"
_UNIX = "<serial type='unix'><source mode='bind' path='/var/lib/libvirt/qemu/{name}.sock'/><target port='0'/></serial>"
_VIRTIO = "<console type='pty'><target type='virtio' port='0'/></console>"


def test_the_console_with_the_login_is_opened_and_where_there_is_none_that_is_said(
    lab: Lab, operator: JumpHost, make_vm: MakeVm
) -> None:
    shapes = {
        "virtio-first": _VIRTIO + _PTY.format(port=0),
        "by-socket": _UNIX.format(name="by-socket"),
        "second": _TCP.format(service=15555) + _PTY.format(port=1),
        "tcp-only": _TCP.format(service=15556),
        "mute": "",
    }
    for name, devices in shapes.items():
        make_vm(_HOST, name, start=False)
        _reshape(lab, name, without=("serial", "console"), devices=devices)
        lab.virsh(_HOST, "start", name)
    for name in ("virtio-first", "second"):
        console = operator.terminal("console", name)
        console.wait_for("ctrl+] detaches", timeout_s=120)
        if name != "second":  # its guest has the login on the first port
            console.wait_for(partial(_answers, console), timeout_s=120)
        console.press("ctrl+]")
        assert console.wait(60) == 0
    places = {"tcp-only": b"tcp 127.0.0.1:15556", "by-socket": b"by-socket.sock", "mute": b"it has no serial port"}
    for name, said in places.items():
        refused = operator.run("console", name, code=1)
        assert said in refused.stderr, refused.stderr
        assert b"<serial type='pty'/>" in refused.stderr


def _answers(console: Terminal, text: str) -> bool:
    if "in-42" not in text:
        console.press("echo in-$((40+2))", "enter")
        console.watch(1.0)
    return "in-42" in console.text
