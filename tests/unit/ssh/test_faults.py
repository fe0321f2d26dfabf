"""Why a connection could not be made, in words that blame the right machine."""

import errno

from novacron.adapters.ssh.faults import connect_fault
from novacron.model.host import HostSpec
from novacron.model.ids import HostId


def test_a_lack_of_descriptors_here_is_not_told_as_a_fault_of_the_host():
    fault = connect_fault(HostSpec(id=HostId("kvm-1"), ssh="kvm-1"), OSError(errno.EMFILE, "Too many open files"))
    assert "no file descriptor is left here" in fault.detail
    assert "LimitNOFILE" in fault.remedy
