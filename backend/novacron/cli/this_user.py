"""Who runs this command: for the backend port, which is told by the kernel over a socket all the same."""

import os
import pwd
from functools import cache

from novacron.model.caller import Authentication, Caller, administrator


@cache
def this_user() -> Caller:
    """Return the user of this process as the caller of the backend; "uid 1234" when the user has no name."""
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"uid {uid}"
    return administrator(name, Authentication.PEER_CREDENTIALS)
