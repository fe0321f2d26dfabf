"""Documents of earlier versions, brought to the shape of this one's before they are read."""

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from novacron.model.operations.creation import CREATE_DISK
from novacron.model.operations.intent import Intent
from novacron.model.operations.migration import MIGRATE
from novacron.model.operations.old_steps import args_of_old_step
from novacron.model.operations.power import SHUTDOWN
from novacron.model.operations.step import StepArgs

_intents: TypeAdapter[Intent] = TypeAdapter(Intent)
_args: TypeAdapter[StepArgs] = TypeAdapter(StepArgs)
_NO_DISK_BEFORE: Final = "no volume of that name before"
_PRESS_UNKNOWN: Final = "whether it was pressed is not known: it is not pressed again"


def is_old(content: Any) -> bool:  # noqa: ANN401 - whatever JSON holds
    """Whether it is an operation whose steps are named rather than told what to do.

    Raises:
        ValueError: it is no operation.
    """
    if not isinstance(content, dict) or not isinstance(content.get("intent"), dict):
        raise ValueError("no operation at all")
    return any("name" in step for step in content.get("steps", ()))


def upcast(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of an operation as this version writes it.

    Raises:
        ValueError: it is no operation that any version wrote.
    """
    intent = _intents.validate_json(json.dumps(content["intent"]))
    return {**content, "steps": [_step(intent, step) for step in content["steps"]]}


def _step(intent: Intent, step: Mapping[str, Any]) -> dict[str, Any]:
    name = step["name"]
    args = args_of_old_step(intent, name, step.get("expects", ""))
    kept = {field: value for field, value in step.items() if field not in ("name", "expects")}
    return {**kept, "id": name, "args": _args.dump_python(args, mode="json"), "values": _values(name, step)}


def _values(name: str, step: Mapping[str, Any]) -> dict[str, str]:
    """Return as data what was read out of the text of a step."""
    detail, finished = step.get("detail", ""), step.get("state") == "finished"
    if name == CREATE_DISK:
        if finished:
            return {"path": detail}
        return {"before": "absent"} if detail == _NO_DISK_BEFORE else {}
    if name == SHUTDOWN:
        return {"pressed": "unknown"} if detail == _PRESS_UNKNOWN else {}
    return {"said": detail} if name == MIGRATE else {}
