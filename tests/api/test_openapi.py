"""The API's own description: valid, complete, and without a loose end."""

import httpx2
import pytest
from fastapi.openapi.models import OpenAPI

from novacron.api.app import create_app
from tests.support.stub_backend import StubBackend


@pytest.fixture(scope="module")
def app():
    return create_app(StubBackend())


@pytest.fixture(scope="module")
def document(app):
    return app.openapi()


def _references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def test_the_document_is_valid_openapi(document):
    OpenAPI.model_validate(document)
    assert document["openapi"].startswith("3.")


def test_every_reference_leads_somewhere(document):
    found = list(_references(document))
    assert found
    for reference in found:
        node = document
        for word in reference.removeprefix("#/").split("/"):
            assert word in node, reference
            node = node[word]


_ENDPOINTS = {
    ("get", "/v1/status"),
    ("get", "/v1/fleet"),
    ("get", "/v1/hosts"),
    ("get", "/v1/hosts/{host}"),
    ("get", "/v1/pools"),
    ("get", "/v1/vms"),
    ("get", "/v1/vms/{vm}"),
    ("get", "/v1/vms/{vm}/definition"),
    ("get", "/v1/vms/{vm}/samples"),
    ("get", "/v1/operations"),
    ("get", "/v1/operations/{operation}"),
    ("get", "/v1/alerts"),
    ("post", "/v1/preview"),
    ("post", "/v1/batches/preview"),
    ("post", "/v1/batches"),
    ("get", "/v1/operations/{operation}/children"),
    ("post", "/v1/operations"),
    ("post", "/v1/operations/{operation}/cancel"),
    ("post", "/v1/operations/{operation}/acknowledge"),
    ("post", "/v1/hosts/{host}/reconnect"),
}


def test_every_route_is_listed_and_says_what_it_is_for(document):
    listed = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert {(method, path) for method, path in listed} == _ENDPOINTS
    assert all(operation["summary"] for methods in document["paths"].values() for operation in methods.values())


def test_both_websockets_and_their_messages_are_described(document):
    assert set(document["x-websockets"]) == {"/v1/stream", "/v1/vms/{vm}/serial"}
    assert {"Hello", "Resync", "FleetMessage", "OperationList", "AlertList", "Problem"} <= set(
        document["components"]["schemas"]
    )


def test_every_kind_of_intent_is_described(document):
    schema = str(document["components"]["schemas"])
    for kind in ("start", "shutdown", "force-off", "migrate", "create", "delete", "delete-volume", "pool-active"):
        assert f"'{kind}'" in schema


@pytest.mark.asyncio(loop_scope="module")
async def test_it_is_served_over_the_socket(stub, stub_socket):
    async with httpx2.AsyncClient(
        transport=httpx2.AsyncHTTPTransport(uds=str(stub_socket)), base_url="http://novacron"
    ) as client:
        assert (await client.get("/openapi.json")).json()["info"]["title"] == "NovaCron"
        assert (await client.get("/docs")).status_code == 404
