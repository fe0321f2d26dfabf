"""Real hypervisors on one machine, for trying, rehearsing and testing: `novacron lab up`.

Nothing here is stubbed: each host has its own libvirtd, sshd, network stack and storage, in namespaces of
the kernel. Import `novacron.lab.lab.Lab` to use a running lab, `novacron.lab.build` to make one.
"""
