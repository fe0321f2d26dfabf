"""Every call of the Backend port gives over the socket what it gives in process."""

import os
import pwd
from dataclasses import replace

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from novacron.api.client import RemoteBackend
from novacron.api.codec import PROTOCOL, PROTOCOL_HEADER
from novacron.model import errors
from novacron.model.caller import Authentication, Role, administrator
from novacron.model.errors import BackendError, JournalError, LinkError, NovaCronError, UsageError
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.link import LinkStatus
from novacron.model.operations.batch import BATCH_MOST, BatchChild, BatchPlan, digest_of
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.power import StartVm
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.work.schedule import Schedule
from tests.builders import a_fleet, a_host, a_vm, an_id
from tests.callers import ALICE
from tests.operation_builders import a_create, a_plan, some_samples
from tests.operation_strategies import asked_intents

_CHILDREN = [BatchChild(intent=a_create(), plan_digest=digest) for digest in ("d1", "d2")]
_REFUSAL = Refusal(code=RefusalCode.LOCKED, subject="web-1", reason="op 7 holds it", remedy="wait for it")
_ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, NovaCronError)]


pytestmark = pytest.mark.asyncio(loop_scope="module")

THIS_USER = administrator(pwd.getpwuid(os.geteuid()).pw_name, Authentication.PEER_CREDENTIALS)


@pytest.fixture
async def raw(stub_socket):
    transport = httpx2.AsyncHTTPTransport(uds=str(stub_socket))
    async with httpx2.AsyncClient(transport=transport, base_url="http://novacron") as client:
        yield client


async def test_what_is_read_over_the_socket_equals_what_the_backend_has(stub, remote):
    assert await remote.fleet(ALICE) == await stub.fleet(ALICE)
    assert await remote.operations(ALICE) == await stub.operations(ALICE)
    assert await remote.find_operation(ALICE, stub.operation.id) == stub.operation
    assert await remote.alerts(ALICE) == await stub.alerts(ALICE)
    assert await remote.status(ALICE) == await stub.status(ALICE)
    assert await remote.samples(ALICE, an_id("web-1")) == some_samples(1)
    assert await remote.definition(ALICE, an_id("web-1"), HostId("h")) == "<domain><name>ä</name></domain>"


async def test_every_call_is_made_by_the_peer_whatever_the_client_calls_itself(stub, remote):
    vm, host, operation = an_id("web-1"), HostId("h"), stub.operation.id
    for ask in (
        remote.fleet(ALICE),
        remote.operations(ALICE),
        remote.find_operation(ALICE, operation),
        remote.alerts(ALICE),
        remote.preview(ALICE, a_create()),
        remote.submit(ALICE, a_create(), plan_digest="d7", idempotency_key="12345678"),
        remote.children(ALICE, operation),
        remote.preview_batch(ALICE, [a_create()]),
        remote.submit_batch(ALICE, _CHILDREN, plan_digest="d7", idempotency_key="12345678"),
        remote.cancel(ALICE, operation),
        remote.acknowledge(ALICE, operation, note="seen"),
        remote.definition(ALICE, vm, host),
        remote.samples(ALICE, vm),
        remote.reconnect(ALICE, host),
        remote.status(ALICE),
        anext(remote.changes(ALICE)),
    ):
        await ask
    link = await remote.open_serial(ALICE, vm, host)
    await link.close()
    verbs = {call[0] for call in stub.calls}
    assert len(verbs) == 16
    assert set(stub.callers) == {THIS_USER}
    assert THIS_USER.roles == {Role.ADMINISTRATOR}


async def test_a_plan_or_its_refusal_comes_back(stub, remote):
    stub.plan = a_plan(intent=a_create(), warnings=("\x1b[2J",))
    assert await remote.preview(ALICE, a_create()) == stub.plan
    assert stub.calls == [("preview", a_create())]
    stub.refusal = _REFUSAL
    assert await remote.preview(ALICE, a_create()) == _REFUSAL


async def test_a_submission_carries_intent_digest_key_and_the_peers_own_name(stub, remote):
    answer = await remote.submit(ALICE, a_create(), plan_digest="d7", idempotency_key="12345678")
    assert answer == stub.operation
    assert stub.calls == [("submit", a_create(), "d7", "12345678")]
    assert stub.callers == [THIS_USER]
    stub.refusal = _REFUSAL
    assert await remote.submit(ALICE, a_create(), plan_digest="d7", idempotency_key="12345679") == _REFUSAL


async def test_a_batch_comes_back_with_a_plan_or_a_refusal_of_each_and_the_same_digest(stub, remote):
    later = Schedule(priority=3)
    stub.plan = a_plan(intent=a_create(), warnings=("\x1b[2J",))
    assert await remote.preview_batch(ALICE, [a_create(), a_create()]) == BatchPlan(
        title="start some VMs", answers=(stub.plan, stub.plan)
    )
    stub.refusal = _REFUSAL
    batch = await remote.preview_batch(ALICE, [a_create(), a_create()], schedule=later)
    assert batch.answers == (stub.plan, _REFUSAL)
    assert batch.digest == digest_of([stub.plan.digest])
    both = (a_create(), a_create())
    assert stub.calls == [("preview_batch", both), ("preview_batch", both, later)]


async def test_a_batchs_submission_carries_every_intent_with_its_digest(stub, remote):
    answer = await remote.submit_batch(
        ALICE, _CHILDREN, plan_digest="d7", idempotency_key="12345678", schedule=Schedule(priority=3)
    )
    assert answer == stub.operation
    assert stub.calls == [("submit_batch", tuple(_CHILDREN), "d7", "12345678", Schedule(priority=3))]
    assert await remote.children(ALICE, stub.operation.id) == (stub.operation,)
    stub.refusal = _REFUSAL
    assert await remote.submit_batch(ALICE, _CHILDREN, plan_digest="d7", idempotency_key="12345679") == _REFUSAL


async def test_cancelling_and_reconnecting_reach_the_backend_whatever_the_name(stub, remote):
    operation, host = OperationId("op-1"), HostId("über host?%2f")
    assert await remote.cancel(ALICE, operation) == stub.operation
    await remote.reconnect(ALICE, host)
    assert stub.calls == [("cancel", operation), ("reconnect", host)]
    stub.refusal = _REFUSAL
    assert await remote.cancel(ALICE, operation) == _REFUSAL


async def test_an_acknowledgement_reaches_the_backend_with_its_note_and_who_gave_it(stub, remote, raw):
    operation = OperationId("op-1")
    assert await remote.acknowledge(ALICE, operation, note="looked at it") == stub.operation
    assert stub.calls == [("acknowledge", operation, "looked at it")]
    assert stub.callers == [THIS_USER]
    for body in ({}, {"note": ""}, {"note": 7}, {"note": "x" * 501}, {"note": "x", "more": 1}):
        assert (await raw.post("/v1/operations/op-1/acknowledge", json=body)).status_code == 422
    stub.refusal = _REFUSAL
    assert await remote.acknowledge(ALICE, operation, note="again") == _REFUSAL


async def test_one_host_and_one_operation_are_found_by_name_or_not_found(stub, raw):
    host = next(iter((await stub.fleet(ALICE)).hosts))
    assert (await raw.get(f"/v1/hosts/{host}")).json()["spec"]["id"] == host
    assert (await raw.get(f"/v1/operations/{stub.operation.id}")).json()["title"] == stub.operation.title
    for path in ("/v1/hosts/nowhere", "/v1/operations/none"):
        missing = await raw.get(path)
        assert (missing.status_code, missing.json()["code"]) == (404, "NotFound")
        assert missing.json()["remedy"]


@pytest.mark.parametrize("kind", _ERRORS, ids=lambda kind: kind.__name__)
async def test_an_error_comes_back_as_the_class_it_was_with_every_word(stub, remote, kind):
    stub.error = kind("web-1\x1b", "it said no", "ask again")
    with pytest.raises(kind) as caught:
        await remote.status(ALICE)
    assert type(caught.value) is kind
    assert (caught.value.subject, caught.value.detail, caught.value.remedy) == ("web-1\x1b", "it said no", "ask again")
    assert caught.value.exit_code is kind.exit_code


async def test_an_error_of_a_link_comes_back_with_the_status_its_row_shows(stub, remote):
    stub.error = LinkError("kvm-1", "refused", status=LinkStatus.AUTH_REFUSED)
    with pytest.raises(LinkError) as caught:
        await remote.reconnect(ALICE, HostId("kvm-1"))
    assert caught.value.status is LinkStatus.AUTH_REFUSED


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("NotFound", 404),
        ("Conflict", 409),
        ("DeadlineExceeded", 504),
        ("LinkLost", 502),
        ("OutcomeUnknown", 502),
        ("JournalError", 507),
        ("BackendError", 503),
        ("OperationError", 422),
    ],
)
async def test_an_error_has_an_http_status_of_its_kind(stub, raw, kind, status):
    stub.error = getattr(errors, kind)("x", "y")
    assert (await raw.get("/v1/alerts")).status_code == status


async def test_an_error_of_an_unknown_class_is_a_backend_error(stub, remote, monkeypatch):
    unheard_of = type("NewKindOfError", (JournalError,), {})
    stub.error = unheard_of("x", "from the future")
    with pytest.raises(BackendError, match="from the future"):
        await remote.status(ALICE)


async def test_a_backend_that_breaks_inside_is_a_backend_error_and_goes_on(stub, remote, monkeypatch):
    monkeypatch.setattr(stub, "_note", lambda *_: 1 / 0)
    with pytest.raises(BackendError):
        await remote.status(ALICE)
    monkeypatch.undo()
    assert (await remote.status(ALICE)).pid == 4711


async def test_without_a_backend_every_call_says_where_it_looked(socket_path):
    client = RemoteBackend(socket_path)
    with pytest.raises(BackendError, match=str(socket_path)):
        await client.fleet(ALICE)
    with pytest.raises(BackendError, match=str(socket_path)):
        await client.open_serial(ALICE, an_id("web-1"), HostId("h"))
    await client.close()


async def test_an_answer_of_another_protocol_is_refused(stub, remote, monkeypatch):
    monkeypatch.setattr("novacron.api.request_limits.PROTOCOL", "0")
    with pytest.raises(BackendError, match="protocol 0") as caught:
        await remote.operations(ALICE)
    assert "novacron detach --stop" in caught.value.remedy


async def test_every_answer_names_the_protocol(stub, raw):
    assert (await raw.get("/v1/status")).headers[PROTOCOL_HEADER] == PROTOCOL
    assert (await raw.get("/v1/nothing")).headers[PROTOCOL_HEADER] == PROTOCOL


def _submission(**changes):
    intent = {"kind": "start", "vm": an_id("web-1"), "host": "kvm-1"}
    return {"intent": intent, "plan_digest": "d1"} | changes


@pytest.mark.parametrize("headers", [{}, {"idempotency-key": "short"}, {"idempotency-key": "x" * 201}])
async def test_a_submission_without_a_proper_key_is_not_carried_out(stub, raw, headers):
    answer = await raw.post("/v1/operations", json=_submission(), headers=headers)
    assert answer.status_code == 422
    assert "idempotency-key" in answer.json()["subject"]
    assert stub.calls == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"\xff"',
        b"[" * 20_000,
        b'{"intent": {"kind": "explode"}, "plan_digest": "d1"}',
        b'{"intent": {"vm": "x", "host": "y"}, "plan_digest": "d1"}',
        b'{"intent": {"kind": "start", "vm": 3, "host": "y"}, "plan_digest": "d1"}',
        b'{"intent": {"kind": "start", "vm": "x", "host": "\\udcff"}, "plan_digest": "d1"}',
        b'{"intent": {"kind": "start", "vm": "x", "host": "y"}, "plan_digest": 3}',
    ],
)
async def test_a_bad_body_is_a_problem_in_json_and_does_nothing(stub, raw, content):
    answer = await raw.post(
        "/v1/operations",
        content=content,
        headers={"idempotency-key": "12345678", "content-type": "application/json"},
    )
    assert 400 <= answer.status_code < 500
    assert set(answer.json()) == {"code", "subject", "detail", "remedy", "link_status"}
    assert answer.json()["remedy"]
    assert stub.calls == []


@pytest.mark.parametrize("path", ["/v1/preview", "/v1/operations"])
@pytest.mark.parametrize("number", ["1e999", "NaN", "-Infinity"])
async def test_a_number_that_no_journal_can_hold_is_refused(stub, raw, path, number):
    body = f'{{"intent": {{"kind": "shutdown", "vm": "x", "host": "y", "timeout_s": {number}}}, "plan_digest": "d1"}}'
    headers = {"idempotency-key": "12345678", "content-type": "application/json"}
    answer = await raw.post(path, content=body, headers=headers)
    assert answer.status_code == 422
    assert "not finite" in answer.json()["detail"]
    assert stub.calls == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v2/fleet", 404),
        ("DELETE", "/v1/fleet", 405),
        ("GET", f"/v1/vms/{an_id('x')}/definition", 422),
    ],
)
async def test_a_wrong_address_is_a_problem_in_json(stub, raw, method, path, status):
    answer = await raw.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()) == {"code", "subject", "detail", "remedy", "link_status"}


async def test_every_intent_arrives_as_it_was_sent(stub, remote):
    sent = []

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(asked_intents, st.uuids())
    def choose(intent, vm):
        sent.append(replace(intent, vm=VmId(str(vm))) if hasattr(intent, "vm") else intent)

    choose()
    for intent in sent:
        await remote.preview(ALICE, intent)
    assert stub.calls == [("preview", intent) for intent in sent]


async def test_an_intent_that_is_no_text_is_told_before_it_is_sent(stub, remote):
    with pytest.raises(NovaCronError, match="not text"):
        await remote.preview(ALICE, StartVm(vm=an_id("web-1"), host=HostId("h\udcff")))
    assert stub.calls == []


async def test_a_foreign_word_that_is_no_text_does_not_keep_an_answer_back(stub, remote, raw):
    stub.refusal = replace(_REFUSAL, subject="web-\udcff")
    stub.show(a_fleet(a_host("kvm-1", a_vm("web-\ud800", id=an_id("web")))))
    stub.operation = replace(stub.operation, outcome="\udcff said libvirt")
    answer = await raw.post("/v1/preview", json={"intent": _submission()["intent"]})
    assert (answer.status_code, answer.json()["refusal"]["subject"]) == (200, "web-?")
    assert [vm.home.vm.name for vm in (await remote.fleet(ALICE)).vms.values()] == ["web-?"]
    assert (await remote.operations(ALICE))[0].outcome == "? said libvirt"


@pytest.mark.parametrize(
    ("headers", "status"), [({"content-length": "5000000"}, 413), ({"novacron-protocol": "77"}, 426)]
)
async def test_a_request_that_is_too_large_or_of_another_protocol_is_refused_unread(stub, raw, headers, status):
    answer = await raw.post(
        "/v1/operations", content=b" " * 5_000_000, headers={"idempotency-key": "12345678", **headers}
    )
    assert answer.status_code == status
    assert answer.json()["remedy"]
    assert stub.calls == []


async def test_a_batch_of_as_many_as_it_may_have_is_no_request_too_large(stub, remote):
    host, elsewhere = HostId("kvm-1".ljust(63, "x")), HostId("kvm-2".ljust(63, "x"))
    children = [
        BatchChild(
            intent=MigrateVm(vm=an_id(f"web-{number}"), host=host, destination=elsewhere, vouched=(host, elsewhere)),
            plan_digest="d" * 32,
        )
        for number in range(BATCH_MOST)
    ]
    answer = await remote.submit_batch(ALICE, children, plan_digest="d" * 32, idempotency_key="12345678")
    assert answer == stub.operation


async def test_more_than_a_batch_may_have_are_refused_with_what_to_do(stub, remote):
    too_many = (_CHILDREN * BATCH_MOST)[: BATCH_MOST + 1]
    with pytest.raises(UsageError, match="5001 are more than the 5000 of one batch"):
        await remote.preview_batch(ALICE, [one.intent for one in too_many])
    with pytest.raises(UsageError, match="choose fewer"):
        await remote.submit_batch(ALICE, too_many, plan_digest="d7", idempotency_key="12345678")
    assert stub.calls == []


async def test_vms_and_pools_are_listed_whole_and_by_host(stub, raw):
    stub.show(a_fleet(a_host("kvm-1", a_vm("web-1"), a_vm("web-2")), a_host("kvm-2", a_vm("db-1"))))
    assert [entry["vm"]["name"] for entry in (await raw.get("/v1/vms")).json()] == ["web-1", "web-2", "db-1"]
    assert [entry["vm"]["name"] for entry in (await raw.get("/v1/vms?host=kvm-2")).json()] == ["db-1"]
    assert [entry["host"] for entry in (await raw.get("/v1/pools")).json()] == ["kvm-1", "kvm-2"]
    assert [entry["host"] for entry in (await raw.get("/v1/pools?host=kvm-1")).json()] == ["kvm-1"]
    assert [host["spec"]["id"] for host in (await raw.get("/v1/hosts")).json()] == ["kvm-1", "kvm-2"]
    assert (await raw.get(f"/v1/vms/{an_id('db-1').upper()}")).json()["host"] == "kvm-2"
    for missing in ("/v1/vms?host=nowhere", "/v1/pools?host=nowhere", "/v1/vms/nobody"):
        assert (await raw.get(missing)).status_code == 404


async def test_a_vm_of_a_host_that_does_not_answer_is_marked_as_not_current(stub, raw):
    stub.show(a_fleet(a_host("kvm-1", a_vm("web-1"), link=LinkStatus.STALE)))
    (entry,) = (await raw.get("/v1/vms")).json()
    assert entry["current"] is False
    assert entry["observed_at"]
