"""What a step is told to do. Each subject's module declares the arguments of its own types of step.

`type` names the type in the journal, for good: a type is never given another meaning. How a type is carried out is
declared in engine/operations.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

from novacron.model.ids import HostId

ArgsT = TypeVar("ArgsT", bound="StepArgs")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepArgs:
    """Everything one step needs to know, as data."""

    host: HostId
    type: str

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:  # noqa: ANN401 - pydantic's own types
        """Let pydantic read and write the arguments of any registered type where the base class is declared."""
        if cls is not StepArgs:
            return handler(source)
        from novacron.model.operations.registry import STEP_ARGS

        choices = {type_of(args): handler.generate_schema(args) for args in STEP_ARGS}
        return {"type": "tagged-union", "choices": choices, "discriminator": "type"}


def type_of(args: "type[StepArgs]") -> str:
    """Return the name that all steps with these arguments have in the journal."""
    return str(args.__dataclass_fields__["type"].default)
