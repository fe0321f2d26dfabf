"""Nothing that a client sends is coerced, passed over or guessed: it is refused, with the field."""

import json

import httpx2
import pytest
from websockets.asyncio.client import unix_connect

from tests.builders import an_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

_VM = an_id("web-1")
_JSON = {"content-type": "application/json", "idempotency-key": "12345678"}


@pytest.fixture
async def raw(stub_socket):
    transport = httpx2.AsyncHTTPTransport(uds=str(stub_socket))
    async with httpx2.AsyncClient(transport=transport, base_url="http://novacron") as client:
        yield client


def _intent(kind, **fields):
    return {"kind": kind, "vm": _VM, "host": "kvm-1", **fields}


@pytest.mark.parametrize("path", ["/v1/preview", "/v1/operations"])
@pytest.mark.parametrize(
    ("intent", "field"),
    [
        (_intent("start", vm="web-1"), "intent.vm"),
        (_intent("start", vm=f"{_VM}\n"), "intent.vm"),
        (_intent("start", vm=_VM.replace("-", "")), "intent.vm"),
        (_intent("start", vm=[_VM]), "intent.vm"),
        (_intent("start", force=True), "intent.force"),
        (_intent("autostart", enabled="yes"), "intent.enabled"),
        (_intent("autostart", enabled="true"), "intent.enabled"),
        (_intent("autostart", enabled=1), "intent.enabled"),
        (_intent("resize", vcpus="4"), "intent.vcpus"),
        (_intent("resize", vcpus=4.0), "intent.vcpus"),
        (_intent("resize", vcpus=True), "intent.vcpus"),
        (_intent("shutdown", timeout_s="60"), "intent.timeout_s"),
        (_intent("migrate", destination="kvm-2", mode="teleport"), "intent.mode"),
        (_intent("migrate"), "intent.destination"),
        (_intent("explode"), "intent"),
    ],
)
async def test_a_wrong_field_of_an_intent_is_refused_by_its_name(stub, raw, path, intent, field):
    body = {"intent": intent} | ({"plan_digest": "d1"} if path == "/v1/operations" else {})
    answer = await raw.post(path, content=json.dumps(body), headers=_JSON)
    assert (answer.status_code, answer.json()["subject"], answer.json()["code"]) == (422, field, "UsageError")
    assert stub.calls == []


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/batches/preview", {"intents": [_intent("start"), _intent("start", vm="web-1")]}, "intents.1.vm"),
        ("/v1/batches/preview", {"intents": [_intent("start", force=True)]}, "intents.0.force"),
        ("/v1/batches/preview", {"intents": []}, "intents"),
        ("/v1/batches/preview", {}, "intents"),
        (
            "/v1/batches",
            {"children": [{"intent": _intent("start", vm="x"), "plan_digest": "d"}], "plan_digest": "d"},
            "children.0.intent.vm",
        ),
        (
            "/v1/batches",
            {"children": [{"intent": _intent("resize", vcpus="4"), "plan_digest": "d"}], "plan_digest": "d"},
            "children.0.intent.vcpus",
        ),
        ("/v1/batches", {"children": [{"intent": _intent("start")}], "plan_digest": "d"}, "children.0.plan_digest"),
        ("/v1/batches", {"children": [{"intent": _intent("start"), "plan_digest": "d"}]}, "plan_digest"),
    ],
)
async def test_a_wrong_field_of_a_batch_is_refused_by_its_place(stub, raw, path, body, field):
    answer = await raw.post(path, content=json.dumps(body), headers=_JSON)
    assert (answer.status_code, answer.json()["subject"], answer.json()["code"]) == (422, field, "UsageError")
    assert stub.calls == []


async def test_the_uuids_of_a_batch_are_taken_in_any_case(stub, raw):
    body = {"intents": [_intent("start", vm=_VM.upper())]}
    assert (await raw.post("/v1/batches/preview", content=json.dumps(body), headers=_JSON)).status_code == 200
    assert stub.calls[0][1][0].vm == _VM


async def test_an_unknown_field_of_the_body_is_refused_by_its_name(stub, raw):
    answer = await raw.post("/v1/preview", json={"intent": _intent("start"), "dry_run": True})
    assert (answer.status_code, answer.json()["subject"]) == (422, "dry_run")
    assert answer.json()["detail"] == "there is no such field"


async def test_json_that_is_broken_is_told_with_line_and_column(stub, raw):
    answer = await raw.post("/v1/preview", content=b'{\n  "intent": {]}', headers=_JSON)
    assert answer.status_code == 422
    assert "line 2 column 14" in answer.json()["detail"]


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
async def test_a_body_of_another_type_is_refused(stub, raw, media_type):
    content = json.dumps({"intent": _intent("start")})
    answer = await raw.post("/v1/preview", content=content, headers={"content-type": media_type})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]
    assert stub.calls == []


async def test_a_uuid_in_capitals_is_the_same_vm(stub, raw):
    answer = await raw.post("/v1/preview", json={"intent": _intent("start", vm=_VM.upper())})
    assert answer.status_code == 200
    assert stub.calls[0][1].vm == _VM


@pytest.mark.parametrize(
    "path",
    [
        "/v1/vms/web-1",
        f"/v1/vms/{_VM}0/samples",
        "/v1/vms/%00/definition?host=h",
        f"/v1/vms/{_VM}%0a/samples",
        "/v1/operations/..%2f..",
        "/v1/operations/%1b[2J",
    ],
)
async def test_an_id_that_nothing_can_have_is_not_looked_for(stub, raw, path):
    answer = await raw.get(path)
    assert answer.status_code == 404
    assert answer.json()["remedy"]
    assert stub.calls == []


@pytest.mark.parametrize(
    ("path", "subject", "remedy"),
    [
        ("/v1/vms?hots=kvm-1", "query.hots", "did you mean host?"),
        ("/v1/pools?host=a&host=b", "query.host", "give it once"),
        ("/v1/status?verbose=1", "query.verbose", "known here: none"),
    ],
)
async def test_a_query_parameter_that_means_nothing_is_refused(stub, raw, path, subject, remedy):
    answer = await raw.get(path)
    assert (answer.status_code, answer.json()["subject"], answer.json()["remedy"]) == (422, subject, remedy)
    assert stub.calls == []


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "DELETE", "PATCH", "HEAD", "BREW"])
async def test_other_methods_are_refused_with_those_there_are(stub, raw, method):
    answer = await raw.request(method, "/v1/operations")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert stub.calls == []


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("web-1/serial?host=h", "web-1"),
        (f"{_VM}/serial", "query.host"),
        (f"{_VM}/serial?host=h&force=yes", "query.force"),
        (f"{_VM}/serial?host=h&forced=true", "query.forced"),
    ],
)
async def test_a_serial_console_is_as_strict_and_says_why(stub, stub_socket, address, subject):
    async with unix_connect(str(stub_socket), f"ws://novacron/v1/vms/{address}") as connection:
        assert json.loads(await connection.recv())["subject"] == subject
    assert stub.calls == []
