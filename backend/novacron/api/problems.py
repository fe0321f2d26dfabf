"""Errors over the socket: the same class on both sides."""

from pydantic import ValidationError

from novacron.api.codec import Problem
from novacron.model import errors
from novacron.model.errors import BackendError, NovaCronError


def problem_of(error: NovaCronError) -> Problem:
    """Return an error as it goes over the socket."""
    return Problem(error=type(error).__name__, subject=error.subject, detail=error.detail, remedy=error.remedy)


def error_of(content: bytes | str) -> NovaCronError:
    """Return the error the other side meant, as the class it had there."""
    try:
        problem = Problem.model_validate_json(content)
    except ValidationError:
        text = content if isinstance(content, str) else content.decode(errors="replace")
        return BackendError("backend", text[:200] or "failed without a word", "see its log")
    kind = getattr(errors, problem.error, BackendError)
    if not (isinstance(kind, type) and issubclass(kind, NovaCronError)):
        kind = BackendError
    return kind(problem.subject, problem.detail, problem.remedy)
