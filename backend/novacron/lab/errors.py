"""What the lab raises."""

from novacron.model.errors import NovaCronError


class LabError(NovaCronError):
    """The lab cannot be built, found or told to do something."""


class LabUnavailable(LabError):
    """This machine cannot run a lab at all, whatever is installed: its kernel or its owner refuses a part."""
