"""Identities: what a host, VM, pool or operation is known by."""

from typing import NewType

HostId = NewType("HostId", str)
"""The host's name in fleet.toml: unique in the fleet, chosen by its owner."""

VmId = NewType("VmId", str)
"""libvirt's UUID of the VM in lower case. Names are labels and may be hostile; the UUID never changes."""

PoolId = NewType("PoolId", str)
"""libvirt's UUID of a storage pool, unique on its host only (a shared pool has one per host)."""

OperationId = NewType("OperationId", str)
"""A sortable identifier given by the backend when an operation is accepted."""
