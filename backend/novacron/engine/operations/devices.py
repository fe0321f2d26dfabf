"""Steps that attach and detach disks and network interfaces. What a call returns proves nothing: a look does."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, ClassVar, Final, TypeVar

from novacron.engine.operations.context import StepContext
from novacron.engine.operations.file_use import require_unused
from novacron.engine.operations.goal import Goal, GoalStep, describe
from novacron.engine.operations.step import StepCancelled, StepFailed, StepHandler
from novacron.model.errors import OperationError
from novacron.model.operation import StepResult
from novacron.model.operations.disks import AttachDiskArgs, DetachDiskArgs
from novacron.model.operations.nics import AttachNicArgs, DetachNicArgs
from novacron.model.operations.step import StepArgs
from novacron.model.vm import VmReading
from novacron.ports.hypervisor import Hypervisor
from novacron.ports.hypervisor.devices import VmDevices

DetachArgsT = TypeVar("DetachArgsT", bound=DetachDiskArgs | DetachNicArgs)


class AttachDisk(GoalStep[AttachDiskArgs]):
    """Attach a disk that nothing else needs."""

    async def act(self, context: StepContext) -> StepResult:
        """Look who needs the file, ask, and look until it is there."""
        await self._require_free(context)
        return await super().act(context)

    async def settle(self, context: StepContext) -> StepResult:
        """See whether it is there; ask again if not, once it is sure that nothing else has taken the file."""
        await self._require_free(context)
        return await super().settle(context)

    async def _require_free(self, context: StepContext) -> None:
        args = self.args
        is_there = await require_unused(
            context, args.host, args.disk.path, expects=args.expects, vouched=args.vouched, besides=args.vm
        )
        if not is_there:
            msg = f"{args.disk.path} is not there any more; nothing was attached"
            raise StepFailed(msg)

    def goal(self, context: StepContext) -> Goal:
        """Have it on every side that was asked for."""
        args, deadline_s = self.args, context.settings.call_deadline_s
        return Goal(
            host=args.host,
            vm=args.vm,
            wanted=f"with disk {args.disk.target}{_when(args)}",
            ask=lambda hv: hv.devices.attach_disk(
                args.vm, args.disk, live=args.live, stored=args.stored, deadline_s=deadline_s
            ),
            reached=self._is_there,
            repeatable=True,
        )

    def _is_there(self, seen: VmReading | None) -> bool:
        wanted = (self.args.disk.target, self.args.disk.path)
        return seen is not None and all(
            wanted in {(disk.target, disk.source) for disk in disks} for disks in _disks(seen, self.args)
        )


class AttachNic(GoalStep[AttachNicArgs]):
    """Attach a network interface."""

    def goal(self, context: StepContext) -> Goal:
        """Have it on every side that was asked for."""
        args, deadline_s = self.args, context.settings.call_deadline_s
        return Goal(
            host=args.host,
            vm=args.vm,
            wanted=f"with NIC {args.nic.mac}{_when(args)}",
            ask=lambda hv: hv.devices.attach_nic(
                args.vm, args.nic, live=args.live, stored=args.stored, deadline_s=deadline_s
            ),
            reached=self._is_there,
            repeatable=True,
        )

    def _is_there(self, seen: VmReading | None) -> bool:
        wanted = self.args.nic.mac
        return seen is not None and all(wanted in {nic.mac for nic in nics} for nics in _nics(seen, self.args))


class _Detach(StepHandler[DetachArgsT]):
    """Ask for a device to be taken away, and wait until its guest has let go of it."""

    kind: ClassVar[str]
    """What the operator calls such a device."""

    async def act(self, context: StepContext) -> StepResult:
        """Ask, and look until it is gone."""
        seen = await context.hypervisor(self.args.host).reader.look(
            self.args.vm, deadline_s=context.settings.look_deadline_s
        )
        if self._is_gone(seen):
            return StepResult(text=f"{self._device} was gone already")
        await context.ask(self.args.host, lambda hv: self._ask(hv, context))
        return await self._until_gone(context)

    async def settle(self, context: StepContext) -> StepResult:
        """See whether it is gone, and ask again if not: not being there is success."""
        seen = (await context.patient_look(self.args.host, self.args.vm)).vm
        if not self._is_gone(seen):
            try:
                await context.ask(self.args.host, lambda hv: self._ask(hv, context))
            except OperationError as error:
                # One that waits for its guest may not be asked again.
                context.note(f"{self.args.host} said: {error.detail}")
        return await self._until_gone(context)

    async def _until_gone(self, context: StepContext) -> StepResult:
        until = context.clock.monotonic() + context.settings.detach_patience_s
        while True:
            seen = (await context.patient_look(self.args.host, self.args.vm)).vm
            if self._is_gone(seen):
                when = _when(self.args) if seen is not None and seen.is_active else ""
                return StepResult(text=f"read from {self.args.host}: {self._device} is gone{when}")
            still = f"{self._device} is still attached; it is {describe(seen)}"
            if context.is_cancelled:
                raise StepCancelled(f"stopped waiting; {still}: its guest was asked, and may still let go of it")
            if context.clock.monotonic() >= until:
                raise StepFailed(
                    f"its guest did not let go of it within {context.settings.detach_patience_s:g} s: {still}; it "
                    "goes when the guest lets go, or when it is powered off"
                )
            context.note(f"waiting for its guest to let go of {self._device}")
            await context.pause(context.settings.goal_interval_s)

    @property
    def _device(self) -> str:
        return f"{self.kind} {self.name}"

    def _is_gone(self, seen: VmReading | None) -> bool:
        """Whether it is on no side any more from which it is to be taken."""
        return seen is None or all(self.name not in names for names in self.names_by_side(seen))

    async def _ask(self, hypervisor: Hypervisor, context: StepContext) -> None:
        args, deadline_s = self.args, context.settings.call_deadline_s
        detach = self.detach_of(hypervisor.devices)
        await detach(args.vm, self.name, live=args.live, stored=args.stored, deadline_s=deadline_s)

    @property
    @abstractmethod
    def name(self) -> str:
        """By what the VM's definition tells it from others of its kind."""

    @abstractmethod
    def names_by_side(self, seen: VmReading) -> Iterable[set[str]]:
        """Return the names of the devices of its kind, for each side from which it is to be taken."""

    @abstractmethod
    def detach_of(self, devices: VmDevices) -> Callable[..., Awaitable[None]]:
        """Return the call that asks for it to be taken away."""


class DetachDisk(_Detach[DetachDiskArgs]):
    """Take a disk away."""

    kind = "disk"

    @property
    def name(self) -> str:
        """Return its target."""
        return self.args.target

    def names_by_side(self, seen: VmReading) -> Iterable[set[str]]:
        """Return the targets of the disks."""
        return ({disk.target for disk in disks} for disks in _disks(seen, self.args))

    def detach_of(self, devices: VmDevices) -> Callable[..., Awaitable[None]]:
        """Return the call for disks."""
        return devices.detach_disk


class DetachNic(_Detach[DetachNicArgs]):
    """Take a network interface away."""

    kind = "NIC"

    @property
    def name(self) -> str:
        """Return its MAC address."""
        return self.args.mac

    def names_by_side(self, seen: VmReading) -> Iterable[set[str]]:
        """Return the MAC addresses of the interfaces."""
        return ({nic.mac for nic in nics} for nics in _nics(seen, self.args))

    def detach_of(self, devices: VmDevices) -> Callable[..., Awaitable[None]]:
        """Return the call for network interfaces."""
        return devices.detach_nic


def _when(args: AttachDiskArgs | AttachNicArgs | DetachDiskArgs | DetachNicArgs) -> str:
    """Say that the VM that runs is not concerned: it may have been started since it was asked for."""
    return "" if args.live else " at its next start"


def _disks(seen: VmReading, args: AttachDiskArgs | DetachDiskArgs) -> tuple[Any, ...]:
    """Return the disks of each side that the step is about; a VM that is off by now has no process to look at."""
    live = (seen.live_disks,) if args.live and seen.is_active else ()
    return (*live, *((seen.disks_at_next_start,) if args.stored else ()))


def _nics(seen: VmReading, args: AttachNicArgs | DetachNicArgs) -> tuple[Any, ...]:
    live = (seen.live_nics,) if args.live and seen.is_active else ()
    return (*live, *((seen.nics_at_next_start,) if args.stored else ()))


STEPS: Final[Mapping[type[StepArgs], type[StepHandler[Any]]]] = {
    AttachDiskArgs: AttachDisk,
    DetachDiskArgs: DetachDisk,
    AttachNicArgs: AttachNic,
    DetachNicArgs: DetachNic,
}
