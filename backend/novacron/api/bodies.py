"""What a client sends. Apart from the rest of the codec, because these are built at import: FastAPI wants them so."""

import json
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from novacron.model.intent import Intent


def _require_writable(value: object) -> object:
    """Refuse what can be said in JSON's escapes or Python's dialect of it, and cannot be written down again.

    Halves of surrogates no encoding, journal or hypervisor takes; an infinite number becomes null in the journal,
    which is no number when it is read back.
    """
    try:
        json.dumps(value, ensure_ascii=False, default=str, allow_nan=False).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise ValueError("a name in it is not text") from error
    except ValueError as error:
        raise ValueError("a number in it is not finite") from error
    return value


AnyIntent = Annotated[Intent, Field(discriminator="kind"), BeforeValidator(_require_writable)]


class PreviewBody(BaseModel):
    """What to preview."""

    intent: AnyIntent


class SubmitBody(BaseModel):
    """What to do, and the plan that was confirmed."""

    intent: AnyIntent
    plan_digest: str
    """Of the plan that a preview showed: refused when what would be touched has changed since."""
