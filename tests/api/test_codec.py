"""Model values as JSON and back: nothing is lost, and how long it takes."""

import time
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from novacron.api.bodies import PreviewBody, SubmitBody
from novacron.api.codec import (
    AlertList,
    FleetBody,
    OperationAnswer,
    OperationList,
    PlanAnswer,
    adapter,
    json_of,
    stream_message,
    to_json,
)
from novacron.api.fleet_feed import FleetFeed
from novacron.api.fleet_mirror import FleetMirror, messages_of
from novacron.model.alert.alert import Alert
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron.model.sample import VmSample
from novacron.ports.backend import BackendStatus, FleetChanged
from tests.builders import a_fleet, a_host, a_vm
from tests.operation_strategies import asked_intents, fleets, operations

_often = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


@_often
@given(asked_intents, st.text("0123456789abcdef"))
def test_any_intent_comes_back_as_it_was(intent, digest):
    submission = SubmitBody(intent=intent, plan_digest=digest)
    assert SubmitBody.model_validate_json(submission.model_dump_json()) == submission
    again = PreviewBody.model_validate_json(PreviewBody(intent=intent).model_dump_json()).intent
    assert again == intent
    assert type(again) is type(intent)


@_often
@given(operations)
def test_any_operation_comes_back_as_it_was(operation):
    message = OperationList(changed=(operation,))
    assert stream_message(to_json(message)) == message
    answer = OperationAnswer(operation=operation)
    assert OperationAnswer.model_validate_json(to_json(answer)) == answer


@_often
@given(fleets())
def test_any_fleet_comes_back_as_it_was(fleet):
    body = FleetBody(revision=fleet.revision, hosts=list(fleet.hosts.values()))
    assert FleetBody.model_validate_json(json_of(FleetBody, body)) == body


def _texts(frames):
    return [text for frame in frames for text in messages_of(frame)]


@_often
@given(fleets(), fleets())
def test_any_two_fleets_follow_each_other_through_a_delta(first, second):
    feed, mirror, told = FleetFeed(), FleetMirror(), None
    for fleet in (first, second, replace(second)):
        *_, shown = [mirror.take(text) for text in _texts(feed.messages(told, fleet))]
        told = feed.step
        assert shown == FleetChanged(fleet=fleet)
        assert list(shown.fleet.hosts) == list(fleet.hosts)


@_often
@given(st.one_of(st.from_type(Plan), st.from_type(Refusal), st.from_type(VmSample), st.from_type(BackendStatus)))
def test_any_other_answer_comes_back_as_it_was(answer):
    assert adapter(type(answer)).validate_json(json_of(type(answer), answer)) == answer


@_often
@given(st.from_type(Alert), st.from_type(Plan))
def test_any_alert_and_plan_come_back_in_their_messages(alert, plan):
    assert stream_message(to_json(AlertList(changed=(alert,)))) == AlertList(changed=(alert,))
    assert PlanAnswer.model_validate_json(to_json(PlanAnswer(plan=plan))) == PlanAnswer(plan=plan)


def test_how_long_ten_thousand_vms_take_is_printed(record_property, capsys):
    fleet = a_fleet(*(a_host(f"kvm-{n}", *(a_vm(f"vm-{n}-{m}") for m in range(50))) for n in range(200)))
    began = time.perf_counter()
    messages = FleetFeed().messages(None, fleet)
    written = time.perf_counter()
    picture = FleetMirror()
    *_, shown = [picture.take(message) for message in _texts(messages)]
    read = time.perf_counter()
    assert shown == FleetChanged(fleet=fleet)
    size = sum(map(len, messages)) / 1e6
    with capsys.disabled():
        print(f"\n10,000 VMs: {size:.1f} MB, written in {written - began:.2f} s, read in {read - written:.2f} s")
