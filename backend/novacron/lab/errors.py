"""What the lab raises."""

from novacron.model.errors import NovaCronError


class LabError(NovaCronError):
    """The lab cannot be built, found or told to do something."""
