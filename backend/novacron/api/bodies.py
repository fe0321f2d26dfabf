"""What a client sends. Read strictly: nothing is coerced or passed over (requests.py says what is wrong with it)."""

from typing import TYPE_CHECKING, Annotated, Final, Union

from pydantic import ConfigDict, Field

from novacron.api.codec import Wire
from novacron.model.operation import NOTE_LENGTH
from novacron.model.operations.batch import BATCH_MOST
from novacron.model.operations.registry import TYPES
from novacron.model.work.schedule import AT_ONCE, Schedule

UUID_PATTERN: Final = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
"""What a VM is named by, in bodies and addresses; of any case, and lower from here on."""


if TYPE_CHECKING:
    from novacron.model.operations.intent import Intent as AskedIntent
else:
    AskedIntent = Annotated[Union[tuple(one.intent for one in TYPES.values())], Field(discriminator="kind")]  # noqa: UP007


class StrictBody(Wire):
    """A body that has what is described and no more."""

    # Intents are plain dataclasses: pydantic applies this to them too.
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class AcknowledgeBody(StrictBody):
    """What a person says of an operation that needed attention."""

    note: Annotated[str, Field(min_length=1, max_length=NOTE_LENGTH)]
    """What was found or done, in one line."""


class IntentBody(StrictBody):
    """A body with an intent."""

    intent: AskedIntent


class PreviewBody(IntentBody):
    """What to preview."""

    schedule: Schedule = AT_ONCE
    """That of the submission; left out: as soon as it can."""


class BatchPreviewBody(StrictBody):
    """What to preview together."""

    intents: Annotated[list[AskedIntent], Field(min_length=1, max_length=BATCH_MOST)]
    schedule: Schedule = AT_ONCE
    """That of the submission; left out: as soon as they can."""


class BatchChildBody(IntentBody):
    """One operation of a batch, and the plan that was confirmed."""

    plan_digest: str
    """Of this operation's plan, as the batch's preview showed it."""


class BatchBody(StrictBody):
    """What to do together."""

    children: Annotated[list[BatchChildBody], Field(min_length=1, max_length=BATCH_MOST)]
    plan_digest: str
    """Of the batch, as its preview showed it."""
    schedule: Schedule = AT_ONCE
    """When each may begin, and before whom; left out: as soon as it can."""


class SubmitBody(IntentBody):
    """What to do, and the plan that was confirmed."""

    plan_digest: str
    """Of the plan that a preview showed: refused when what would be touched has changed since."""
    schedule: Schedule = AT_ONCE
    """When it may begin, and before whom; left out: as soon as it can."""
