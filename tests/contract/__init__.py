"""What every adapter of ports/hypervisor.py must do, asserted through the port alone."""
