"""The outside world, one folder each.

What they log goes to the backend's log. A command that uses one without a backend prints its own messages, and none of
the log's.
"""

import logging

logging.getLogger("novacron").addHandler(logging.NullHandler())
