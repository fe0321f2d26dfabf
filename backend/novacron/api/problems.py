"""Errors over the socket: the same class on both sides."""

from pydantic import ValidationError

from novacron.api.codec import PROTOCOL, Problem
from novacron.model import errors
from novacron.model.errors import BackendError, LinkError, NovaCronError
from novacron.model.link import LinkStatus


def problem_of(error: NovaCronError) -> Problem:
    """Return an error as it goes over the socket."""
    return Problem(
        code=type(error).__name__,
        subject=error.subject,
        detail=error.detail,
        remedy=error.remedy,
        link_status=error.status.value if isinstance(error, LinkError) else "",
    )


def error_of(content: bytes | str) -> NovaCronError:
    """Return the error the other side meant, as the class it had there."""
    try:
        problem = Problem.model_validate_json(content)
    except ValidationError:
        text = content if isinstance(content, str) else content.decode(errors="replace")
        return BackendError("backend", text[:200] or "failed without a word", "see its log")
    kind = getattr(errors, problem.code, BackendError)
    if not (isinstance(kind, type) and issubclass(kind, NovaCronError)):
        kind = BackendError
    error = kind(problem.subject, problem.detail, problem.remedy)
    if isinstance(error, LinkError) and problem.link_status in {status.value for status in LinkStatus}:
        error.status = LinkStatus(problem.link_status)
    return error


def other_version(theirs: str, version: str) -> BackendError:
    """Return the error of a client whose backend speaks another protocol."""
    return BackendError(
        "backend",
        f"it speaks protocol {theirs or 'unknown'} (version {version or 'unknown'}), this program protocol {PROTOCOL}",
        "novacron detach --stop ends it, VMs and their jobs go on; the next start is of this version",
    )
