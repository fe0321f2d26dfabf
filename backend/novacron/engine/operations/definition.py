"""Steps that change what a VM's definition says."""

from collections.abc import Mapping
from typing import Any, Final

from novacron.engine.operations.context import StepContext
from novacron.engine.operations.goal import Goal, GoalStep
from novacron.engine.operations.step import StepHandler
from novacron.model.ids import HostId, VmId
from novacron.model.operations.definition import RenameArgs, SetAutostartArgs
from novacron.model.operations.step import StepArgs


class Rename(GoalStep[RenameArgs]):
    """Give a VM another name."""

    def goal(self, context: StepContext) -> Goal:
        """Have it named so."""
        args, deadline_s = self.args, context.settings.call_deadline_s
        return Goal(
            host=args.host,
            vm=args.vm,
            wanted=f"named {args.new_name}",
            ask=lambda hv: hv.definitions.rename(args.vm, args.new_name, deadline_s=deadline_s),
            reached=lambda seen: seen is not None and seen.name == args.new_name,
        )


class SetAutostart(GoalStep[SetAutostartArgs]):
    """Have a VM start with its host, or not."""

    def goal(self, context: StepContext) -> Goal:
        """Have it set so."""
        return autostart_goal(self.args.host, self.args.vm, self.args.enabled, context)


def autostart_goal(host: HostId, vm: VmId, enabled: bool, context: StepContext) -> Goal:
    """Return the goal that a VM starts with its host, or not."""
    deadline_s = context.settings.call_deadline_s
    return Goal(
        host=host,
        vm=vm,
        wanted="started with its host" if enabled else "not started with its host",
        ask=lambda hv: hv.definitions.set_autostart(vm, enabled, deadline_s=deadline_s),
        reached=lambda seen: seen is not None and seen.autostart is enabled,
        repeatable=True,
    )


STEPS: Final[Mapping[type[StepArgs], type[StepHandler[Any]]]] = {RenameArgs: Rename, SetAutostartArgs: SetAutostart}
