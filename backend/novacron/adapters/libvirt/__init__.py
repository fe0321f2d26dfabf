"""Hypervisors through libvirt. The library itself is imported by binding.py, when the first host needs it."""
