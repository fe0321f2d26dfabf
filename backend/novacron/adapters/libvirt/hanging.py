"""When something that hung may be asked again."""

from typing import Final

from novacron.model.work.backoff import Backoff

HUNG: Final = Backoff(first_s=60.0, most_s=3600.0)
"""Keeps who hangs on a host (on a dead file server, say) from being sent after by another every few seconds."""
