"""What a client sends. Apart from the rest of the codec, because these are built at import: FastAPI wants them so."""

import json
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from novacron.model.intent import Intent


def _require_text(value: object) -> object:
    """Refuse halves of surrogates, which JSON's escapes can hold and no encoding, journal or hypervisor takes."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise ValueError("a name in it is not text") from error
    return value


AnyIntent = Annotated[Intent, Field(discriminator="kind"), BeforeValidator(_require_text)]


class PreviewBody(BaseModel):
    """What to preview."""

    intent: AnyIntent


class SubmitBody(BaseModel):
    """What to do, and what was on the screen when it was decided."""

    intent: AnyIntent
    seen_revision: int
    """Revision of the fleet the operator looked at: refused when the subject has changed since."""
