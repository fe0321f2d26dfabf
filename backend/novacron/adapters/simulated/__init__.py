"""A world of hypervisors inside the process: for demos, scale and faults on command.

It behaves as libvirt and QEMU were seen to behave, and passes the contract suite that the real adapter
passes. It is never the proof that something works on real hypervisors.
"""
