"""Hypothesis strategies for everything that goes over the socket or into the journal."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import get_args

from hypothesis import strategies as st

from novacron.model.fleet import Fleet, Host
from novacron.model.host import HostReading, HostSpec
from novacron.model.ids import HostId
from novacron.model.link import Link
from novacron.model.operation import Operation
from novacron.model.operations.intent import Intent
from novacron.model.operations.registry import INTENTS, STEP_ARGS, TYPES
from novacron.model.operations.step import StepArgs
from tests.builders import an_id

# Finite: JSON has no other numbers, and no adapter may give any.
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
st.register_type_strategy(int, st.integers(min_value=-(2**62), max_value=2**62))

INTENT_KINDS = INTENTS
"""Every class of intent."""

asked_intents = st.one_of(*(st.from_type(one.intent) for one in TYPES.values()))
"""What a client can ask for: neither what is made of other operations nor what only another version knows."""
intents = st.one_of(*(st.from_type(kind) for kind in INTENT_KINDS))
st.register_type_strategy(Intent, intents)
st.register_type_strategy(Mapping, lambda of: st.dictionaries(*(st.from_type(part) for part in get_args(of))))
st.register_type_strategy(StepArgs, st.one_of(*(st.from_type(args) for args in STEP_ARGS)))
operations = st.from_type(Operation)
_hosts = st.builds(
    Host,
    spec=st.builds(HostSpec, labels=st.dictionaries(st.text(), st.text(), max_size=3)),
    link=st.from_type(Link),
    reading=st.none() | st.from_type(HostReading),
)


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    """Return a fleet of up to three hosts with any readings."""
    hosts = draw(st.lists(_hosts, max_size=3, unique_by=lambda host: host.id))
    return Fleet(revision=draw(st.integers(0, 2**62)), hosts=MappingProxyType({host.id: host for host in hosts}))


def example_of(intent: type[Intent]) -> Intent:
    """Return an intent of that class, about web-1 on kvm-fra-01, with plain values in its other fields."""
    plain: dict[object, object] = {str: "example", int: 1, bool: True, float: 1.0}
    given = {"host": HostId("kvm-fra-01"), "vm": an_id("web-1"), "destination": HostId("kvm-fra-02")}
    required = [field for field in fields(intent) if field.default is MISSING and field.default_factory is MISSING]
    values = {field.name: given.get(field.name, plain.get(field.type)) for field in required if field.name != "kind"}
    if "vm" in intent.__dataclass_fields__:
        values["vm"] = given["vm"]
    return intent(**values)  # type: ignore[arg-type]
