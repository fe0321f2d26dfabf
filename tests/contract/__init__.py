"""What every adapter of ports/hypervisor must do, asserted through the port alone."""
