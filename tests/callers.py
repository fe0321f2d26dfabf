"""Who asks, in tests: two administrators in the backend's own process."""

from typing import Final

from novacron.model.caller import Authentication, administrator

ALICE: Final = administrator("alice", Authentication.IN_PROCESS)
BOB: Final = administrator("bob", Authentication.IN_PROCESS)
