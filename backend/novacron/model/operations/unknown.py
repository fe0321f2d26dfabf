"""An intent that this version does not understand: it is shown, and holds its VM, and nothing else is done with it."""

from dataclasses import dataclass
from typing import Literal

from novacron.model.ids import VmId
from novacron.model.operations.intent import Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownIntent(Intent):
    """What a newer version of novacron was asked to do."""

    named: str
    """Its kind, as that version calls it."""
    vm: VmId | None = None
    """The VM it is about; None where it names none."""
    content: str = ""
    """The whole of it as JSON, as it was read: never written back in another form."""
    kind: Literal["unknown"] = "unknown"

    @property
    def about_vm(self) -> VmId | None:
        """The VM it is about, if it names one."""
        return self.vm
