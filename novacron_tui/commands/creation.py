"""Create: a new VM from a form."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from novacron.model.fleet import FleetVm, Host
from novacron.model.ids import HostId, VmId
from novacron.model.operations.creation import NEW_VM_CMDLINE, NEW_VM_MEMORY_MIB, NEW_VM_VCPUS, CreateVm
from novacron.model.operations.intent import Intent
from novacron.model.storage import Pool, Volume
from novacron_tui.commands.command import Command, Context, Kind, Target
from novacron_tui.commands.form import NO_VCPUS, SIZE_HINT, Form, Values, number, size_mib, toggled
from novacron_tui.present import quantity
from novacron_tui.present.console_state import PoolRow
from novacron_tui.present.form_fields import Field, FieldKind, Option
from novacron_tui.present.table_view import natural
from novacron_tui.present.volumes import ListedVolume, list_volumes, use_text

ListVolumes = Callable[[Pool], tuple[ListedVolume, ...]]
_NONE: Final = Option(value="", label="none")


def create_form(targets: Sequence[Target], context: Context) -> Form:
    """Ask for what a new VM needs; the host of the VM under the cursor is offered first."""
    # Chosen once a form: asking twice with the same form makes one VM.
    new_id = VmId(str(uuid.uuid4()))
    near = next((target.home.host.id for target in targets if isinstance(target, FleetVm)), None)
    hosts = context.state.fleet.hosts
    known: dict[tuple[HostId, str], tuple[ListedVolume, ...]] = {}

    def volumes_of(host: Host | None, pool: Pool) -> tuple[ListedVolume, ...]:
        if host is None:
            return ()
        key = (host.id, pool.name)
        if key not in known:
            known[key] = list_volumes(context.state.fleet, PoolRow(host=host, pool=pool))
        return known[key]

    def fields(values: Values) -> tuple[Field, ...]:
        host_id = values.get("host") or near or next(iter(hosts), "")
        host = hosts.get(HostId(host_id))
        pool = _pool(host, values.get("pool", ""))
        return (
            Field(id="name", label="Name", hint="letters, digits, dots, dashes, underscores"),
            Field(id="host", label="On host", kind=FieldKind.CHOICE, value=host_id, options=_hosts(hosts.values())),
            Field(id="vcpus", label="vCPUs", kind=FieldKind.NUMBER, value=str(NEW_VM_VCPUS)),
            Field(id="memory", label="Memory", kind=FieldKind.SIZE, value=f"{NEW_VM_MEMORY_MIB}M", hint=SIZE_HINT),
            *_disk_fields(host, pool, lambda pool: volumes_of(host, pool)),
            Field(
                id="network",
                label="Network",
                kind=FieldKind.CHOICE,
                value=host.reading.facts.default_network if host and host.reading else "",
                options=_networks(host),
            ),
            Field(id="kernel", label="Kernel", hint="path on the host; empty: it boots from its disk"),
            *(_kernel_fields() if values.get("kernel", "").strip() else ()),
            Field(id="start", label="Start it", kind=FieldKind.TOGGLE, value="yes"),
        )

    return Form(title="New VM", fields=fields, intents=lambda values: _intents(new_id, values))


def _disk_fields(host: Host | None, pool: Pool | None, listed: ListVolumes) -> tuple[Field, ...]:
    pools = _pools(host)
    chosen = Field(
        id="pool",
        label="Disk in pool",
        kind=FieldKind.CHOICE,
        value=pools[0].value,
        options=pools,
    )
    if pool is None:
        return (chosen,)
    images = (Option(value="", label="blank disk"), *_images(listed(pool)))
    return (
        chosen,
        Field(id="base", label="Copied from", kind=FieldKind.CHOICE, value="", options=images),
        Field(
            id="disk",
            label="Disk size",
            kind=FieldKind.SIZE,
            value="1G",
            hint="a copy is as big as its image at least",
        ),
    )


def _images(volumes: Iterable[ListedVolume]) -> tuple[Option, ...]:
    """Offer base images first, then disks that nobody is known to need, and those in use last."""

    def rank(listed: ListedVolume) -> tuple[int, object]:
        return (0 if listed.base_of else 2 if listed.users else 1, natural(listed.volume.name))

    return tuple(
        Option(value=listed.volume.name, note=f"{_size(listed.volume)}{_use(listed)}")
        for listed in sorted(volumes, key=rank)
    )


def _size(volume: Volume) -> str:
    return f"{quantity.size_mib(volume.capacity_mib)} {volume.format}"


def _use(listed: ListedVolume) -> str:
    if listed.users:
        return f", in use by {use_text(listed)}"
    return f", {use_text(listed)}" if listed.base_of else ""


def _kernel_fields() -> tuple[Field, ...]:
    return (
        Field(id="initrd", label="Initrd", hint="path on the host"),
        Field(id="cmdline", label="Command line", value=NEW_VM_CMDLINE),
    )


def _intents(new_id: VmId, values: Values) -> tuple[Intent, ...] | str:
    vcpus, memory = number(values, "vcpus", least=1), size_mib(values, "memory", least=1)
    if not values["name"].strip():
        return "it needs a name"
    if vcpus is None:
        return NO_VCPUS
    if isinstance(memory, str):
        return f"memory: {memory}"
    pool = values.get("pool", "")
    disk = size_mib(values, "disk") if pool else 0
    if isinstance(disk, str):
        return f"disk: {disk}"
    return (
        CreateVm(
            vm=new_id,
            host=HostId(values["host"]),
            name=values["name"].strip(),
            vcpus=vcpus,
            memory_mib=memory,
            pool=pool,
            disk_mib=disk,
            base_volume=values.get("base", "") if pool else "",
            network=values.get("network", ""),
            kernel=values.get("kernel", "").strip(),
            initrd=values.get("initrd", "").strip(),
            cmdline=values.get("cmdline", "").strip() if values.get("kernel", "").strip() else "",
            start=toggled(values, "start"),
        ),
    )


def _hosts(hosts: Iterable[Host]) -> tuple[Option, ...]:
    return tuple(
        Option(value=host.id, refusal="" if host.is_current else f"is {host.link.status}")
        for host in sorted(hosts, key=lambda host: (not host.is_current, natural(host.id)))
    ) or (_NONE,)


def _pools(host: Host | None) -> tuple[Option, ...]:
    pools = host.reading.pools if host and host.reading else ()
    active = sorted((pool for pool in pools if pool.active), key=lambda pool: natural(pool.name))
    return (
        *(Option(value=pool.name, note=f"{quantity.size_mib(pool.available_mib)} free") for pool in active),
        Option(value="", label="no disk"),
    )


def _pool(host: Host | None, name: str) -> Pool | None:
    pools = host.reading.pools if host and host.reading else ()
    return next((pool for pool in pools if pool.name == name), None)


def _networks(host: Host | None) -> tuple[Option, ...]:
    names = host.reading.facts.networks if host and host.reading else ()
    return (*(Option(value=name) for name in names), Option(value="", label="no network"))


CREATION: Final = (
    Command(id="vm.create", makes=CreateVm, title="New VM", kind=Kind.FLEET, many=False, form=create_form),
)
