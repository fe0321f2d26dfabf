"""What a client sends. Apart from the rest of the codec, because these are built at import: FastAPI wants them so."""

from typing import Annotated

from pydantic import BaseModel, Field

from novacron.model.intent import Intent

AnyIntent = Annotated[Intent, Field(discriminator="kind")]


class PreviewBody(BaseModel):
    """What to preview."""

    intent: AnyIntent


class SubmitBody(BaseModel):
    """What to do, and what was on the screen when it was decided."""

    intent: AnyIntent
    seen_revision: int
    """Revision of the fleet the operator looked at: refused when the subject has changed since."""
