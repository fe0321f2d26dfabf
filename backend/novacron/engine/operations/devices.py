"""Steps that attach and detach disks and network interfaces. What a call returns proves nothing: a look does."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Final

from novacron.engine.operations.context import StepContext
from novacron.engine.operations.file_use import require_unused
from novacron.engine.operations.goal import Goal, GoalStep, describe
from novacron.engine.operations.step import StepCancelled, StepFailed, StepHandler
from novacron.model.errors import OperationError
from novacron.model.operation import StepResult
from novacron.model.operations.disks import AttachDiskArgs, DetachDiskArgs
from novacron.model.operations.nics import AttachNicArgs, DetachNicArgs
from novacron.model.operations.step import ArgsT, StepArgs
from novacron.model.vm import VmReading
from novacron.ports.hypervisor import Hypervisor


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
            wanted=f"with disk {args.disk.target}",
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
            wanted=f"with NIC {args.nic.mac}",
            ask=lambda hv: hv.devices.attach_nic(
                args.vm, args.nic, live=args.live, stored=args.stored, deadline_s=deadline_s
            ),
            reached=self._is_there,
            repeatable=True,
        )

    def _is_there(self, seen: VmReading | None) -> bool:
        wanted = self.args.nic.mac
        return seen is not None and all(wanted in {nic.mac for nic in nics} for nics in _nics(seen, self.args))


class _Detach(StepHandler[ArgsT]):
    """Ask for a device to be taken away, and wait until its guest has let go of it."""

    async def act(self, context: StepContext) -> StepResult:
        """Ask, and look until it is gone."""
        seen = await context.hypervisor(self.args.host).reader.look(
            self.vm, deadline_s=context.settings.look_deadline_s
        )
        if self.is_gone(seen):
            return StepResult(text=f"{self.device} was gone already")
        await context.ask(self.args.host, lambda hv: self.ask(hv, context))
        return await self._until_gone(context)

    async def settle(self, context: StepContext) -> StepResult:
        """See whether it is gone, and ask again if not: not being there is success."""
        seen = (await context.patient_look(self.args.host, self.vm)).vm
        if not self.is_gone(seen):
            try:
                await context.ask(self.args.host, lambda hv: self.ask(hv, context))
            except OperationError as error:
                # One that waits for its guest may not be asked again.
                context.note(f"{self.args.host} said: {error.detail}")
        return await self._until_gone(context)

    async def _until_gone(self, context: StepContext) -> StepResult:
        until = context.clock.monotonic() + context.settings.detach_patience_s
        while True:
            seen = (await context.patient_look(self.args.host, self.vm)).vm
            if self.is_gone(seen):
                return StepResult(text=f"read from {self.args.host}: {self.device} is gone")
            stands = f"{self.device} is still attached; it is {describe(seen)}"
            if context.is_cancelled:
                raise StepCancelled(f"stopped waiting; {stands}: its guest was asked, and may still let go of it")
            if context.clock.monotonic() >= until:
                raise StepFailed(
                    f"its guest did not let go of it within {context.settings.detach_patience_s:g} s: {stands}; it "
                    "goes when the guest lets go, or when it is powered off"
                )
            context.note(f"waiting for its guest to let go of {self.device}")
            await context.pause(context.settings.goal_interval_s)

    @property
    @abstractmethod
    def device(self) -> str:
        """Name it."""

    @property
    @abstractmethod
    def vm(self) -> Any:  # noqa: ANN401 - the arguments' own
        """Return whose it is."""

    @abstractmethod
    def is_gone(self, seen: VmReading | None) -> bool:
        """Whether it is on no side any more from which it is to be taken."""

    @abstractmethod
    async def ask(self, hypervisor: Hypervisor, context: StepContext) -> None:
        """Ask for it to be taken away."""


class DetachDisk(_Detach[DetachDiskArgs]):
    """Take a disk away."""

    @property
    def device(self) -> str:
        """Name it."""
        return f"disk {self.args.target}"

    @property
    def vm(self) -> Any:  # noqa: ANN401 - the arguments' own
        """Return whose it is."""
        return self.args.vm

    def is_gone(self, seen: VmReading | None) -> bool:
        """Whether no side has a disk of that name."""
        if seen is None:
            return True
        return all(self.args.target not in {disk.target for disk in disks} for disks in _disks(seen, self.args))

    async def ask(self, hypervisor: Hypervisor, context: StepContext) -> None:
        """Ask for it to be taken away."""
        args, deadline_s = self.args, context.settings.call_deadline_s
        await hypervisor.devices.detach_disk(
            args.vm, args.target, live=args.live, stored=args.stored, deadline_s=deadline_s
        )


class DetachNic(_Detach[DetachNicArgs]):
    """Take a network interface away."""

    @property
    def device(self) -> str:
        """Name it."""
        return f"NIC {self.args.mac}"

    @property
    def vm(self) -> Any:  # noqa: ANN401 - the arguments' own
        """Return whose it is."""
        return self.args.vm

    def is_gone(self, seen: VmReading | None) -> bool:
        """Whether no side has an interface of that address."""
        if seen is None:
            return True
        return all(self.args.mac not in {nic.mac for nic in nics} for nics in _nics(seen, self.args))

    async def ask(self, hypervisor: Hypervisor, context: StepContext) -> None:
        """Ask for it to be taken away."""
        args, deadline_s = self.args, context.settings.call_deadline_s
        await hypervisor.devices.detach_nic(
            args.vm, args.mac, live=args.live, stored=args.stored, deadline_s=deadline_s
        )


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
