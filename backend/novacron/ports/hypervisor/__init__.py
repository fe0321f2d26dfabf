"""What the engine asks of one hypervisor, by role: `hypervisor.power.start(vm, deadline_s=5)`.

One module a role; a hypervisor has its roles as attributes (hypervisor.py).

Every call takes as long as it takes but no longer than its deadline: at the deadline the adapter
aborts the channel under the call and raises DeadlineExceeded. No call may block the event loop. All raise

    LinkError         the host cannot be asked (the poller will reconnect)
    OperationError    the hypervisor said no; NotFound when the VM, pool or volume is not there
    OutcomeUnknown    the link broke after the request was sent: the effect is not known

Success of a call is a hint; the engine reads the post-condition from the hypervisor afterwards.
"""

from novacron.ports.hypervisor.definitions import VmDefiner
from novacron.ports.hypervisor.devices import VmDevices
from novacron.ports.hypervisor.hypervisor import Hypervisor, HypervisorGateway
from novacron.ports.hypervisor.migration import MigrationRequest, VmMigrator
from novacron.ports.hypervisor.power import VmPower
from novacron.ports.hypervisor.reader import HostEvent, HostEventKind, HostReader
from novacron.ports.hypervisor.serial import SerialConsoles, SerialLink
from novacron.ports.hypervisor.storage import HostStorage

__all__ = [
    "HostEvent",
    "HostEventKind",
    "HostReader",
    "HostStorage",
    "Hypervisor",
    "HypervisorGateway",
    "MigrationRequest",
    "SerialConsoles",
    "SerialLink",
    "VmDefiner",
    "VmDevices",
    "VmMigrator",
    "VmPower",
]
