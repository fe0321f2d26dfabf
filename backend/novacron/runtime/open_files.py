"""How many files the backend may have open: connections of consoles and hosts, most of all."""

import resource

_WANTED = 16_384


def allow_many_files() -> None:
    """Take as many as we may without asking anybody: the usual 1,024 are for programs that use select."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
