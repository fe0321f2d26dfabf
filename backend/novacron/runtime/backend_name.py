"""What a backend is called where several share a journal: by people, and by its own next start."""

import os
import pwd
import socket
import uuid
from pathlib import Path


def backend_name(state: Path) -> str:
    """Return the name of the backend whose state folder this is, the same at each start.

    Who comes with the name of the lease's holder takes over at once: only one backend runs on a state folder. So two
    machines, or containers, of one name must not be taken for one, which is what the file in the folder is for.
    """
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    return f"{user}@{socket.gethostname()} ({_mark(state / 'backend-id')})"


def _mark(file: Path) -> str:
    """Return the mark in the file, which is made if there is none; one of this process where it cannot be."""
    fresh = uuid.uuid4().hex[:8]
    try:
        if not file.exists():
            file.write_text(f"{fresh}\n", encoding="ascii")
        mark = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return fresh
    return mark if mark.isalnum() else fresh
