"""Memory that was freed under something still in use goes back to the system."""

import subprocess
import sys

_STORY = """
import ctypes
from novacron.runtime.memory import give_back, use_few_heaps

def resident_kib():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])

use_few_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
blocks = [libc.malloc(2000) for _ in range(20_000)]
for block in blocks:
    ctypes.memset(block, 1, 2000)
for block in blocks[:-1]:
    libc.free(block)
before = resident_kib()
give_back()
print(before - resident_kib())
"""


def test_what_is_free_below_something_in_use_is_given_back() -> None:
    told = subprocess.run([sys.executable, "-c", _STORY], capture_output=True, text=True, check=True)
    assert int(told.stdout) > 30_000, told.stdout


def test_garbage_is_looked_for_rarely_and_found_all_the_same() -> None:
    program = (
        "import gc, weakref\n"
        "from novacron.runtime.memory import collect_rarely\n"
        "class Node: pass\n"
        "collect_rarely()\n"
        "assert gc.isenabled() and gc.get_freeze_count() > 0\n"
        "node = Node(); node.itself = node; seen = weakref.ref(node); del node\n"
        "kept = [[] for _ in range(200_000)]\n"
        "assert seen() is None\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
