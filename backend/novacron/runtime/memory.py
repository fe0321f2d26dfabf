"""Memory that libvirt's library has freed: given back to the system, which its allocator does not do by itself.

And how often Python looks for objects that hold each other: rarely, because a fleet is hundreds of thousands of values
that do not, and looking at them all took a quarter of the time of a busy backend.

Each call of libvirt runs in a thread of its own, and each thread may get a heap of its own. What a reconnection frees
there stays with the process: 10 to 20 kB for each of a hundred were measured, and 0.1 kB when it is given back.
"""

import ctypes
import gc

_ARENA_MAX = -8
"""M_ARENA_MAX, malloc.h of glibc."""
_ARENAS = 2
_NEW_OBJECTS = 10_000
"""Between two looks at the newest objects; Python's own choice is 700."""


def use_few_heaps() -> None:
    """Have all threads share two heaps; to be called before there are any. Nothing where the C library is no glibc."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim"):
        libc.mallopt(_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Give what is free to the system: some milliseconds, in which other threads go on."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def collect_rarely() -> None:
    """Look for garbage less often, and never among what is there now, mostly modules; to be called once started."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)
