"""vCPUs and memory in a domain's XML: how large it is, and what it allows of another size."""

import re
from math import prod

from lxml import etree

from novacron.model.vm import VmSize, VmSizing

_NUMBER = re.compile(r"\s*([0-9]{1,20})\s*")
_TOPOLOGY = ("sockets", "dies", "clusters", "cores", "threads")
_UNITS = {"b": 1, "bytes": 1, "KB": 1000, "k": 1024, "KiB": 1024, "MB": 10**6, "M": 1 << 20, "MiB": 1 << 20}
_UNITS |= {"GB": 10**9, "G": 1 << 30, "GiB": 1 << 30, "TB": 10**12, "T": 1 << 40, "TiB": 1 << 40}


def read_size(root: etree._Element) -> VmSize:
    """Return the size that a definition gives. Source: https://libvirt.org/formatdomain.html#cpu-allocation."""
    vcpu = root.find("vcpu")
    most = (_number(vcpu.text) or 1) if vcpu is not None else 1
    current = (_number(vcpu.get("current")) or most) if vcpu is not None else 1
    memory_max_mib = read_mib(root.find("memory"))
    current_mib = read_mib(root.find("currentMemory")) if _has_balloon(root) else 0
    memory_mib = current_mib or memory_max_mib
    return VmSize(
        vcpus=current,
        vcpus_max=max(current, most),
        memory_mib=memory_mib,
        memory_max_mib=max(memory_mib, memory_max_mib),
    )


def read_sizing(root: etree._Element) -> VmSizing:
    """Return what a stored definition allows of another size."""
    topology = root.find("cpu/topology")
    return VmSizing(
        at_next_start=read_size(root),
        has_balloon=_has_balloon(root),
        numa_cells=len(root.findall("cpu/numa/cell")),
        topology_vcpus=None if topology is None else prod(_number(topology.get(key)) or 1 for key in _TOPOLOGY),
    )


def read_mib(element: etree._Element | None) -> int:
    """Return the size that an element gives; 0 for none."""
    if element is None:
        return 0
    return _number(element.text) * _UNITS.get(element.get("unit") or "KiB", 1024) // (1 << 20)


def _has_balloon(root: etree._Element) -> bool:
    """Return whether memory can change under a guest; QEMU's driver writes out a balloon also where there is none."""
    balloon = root.find("devices/memballoon")
    return balloon is None or balloon.get("model") != "none"


def _number(text: str | None) -> int:
    """Return a whole number of at most 64 bits' length; 0 for anything else."""
    found = _NUMBER.fullmatch(text or "")
    return int(found[1]) if found else 0
