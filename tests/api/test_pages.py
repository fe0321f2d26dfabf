"""Pages of VMs: together they are the whole list, in any order; what is not asked for is not sent."""

from dataclasses import replace

import httpx2
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from novacron.api.pages import VmQuery, vm_page
from novacron.model.errors import NotFound
from novacron.model.vm import VmState, VmUsage
from tests.builders import a_fleet, a_host, a_vm, an_id

_on_the_servers_loop = pytest.mark.asyncio(loop_scope="module")

_BUSY = VmUsage(cpu_percent=50.0)
_fleet = a_fleet(
    a_host(
        "kvm-1", a_vm("web-1"), a_vm("db-1", state=VmState.SHUT_OFF), a_vm("web-2", usage=VmUsage(cpu_percent=50.0))
    ),
    a_host("kvm-2"),
    replace(a_host("kvm-3"), reading=None),
    # Seen on two hosts: it runs on the later one.
    a_host("kvm-4", a_vm("web-3"), a_vm("db-1"), a_vm("WEB-1", id=an_id("other"))),
)
_sorts = st.sampled_from([None, "name", "-name", "state", "-state", "cpu", "-cpu", "memory", "-memory"])


@given(
    st.integers(1, 4),
    _sorts,
    st.sampled_from([None, "kvm-1", "kvm-2", "kvm-4"]),
    st.sampled_from([None, "WEB", "1"]),
    st.sampled_from([None, *VmState]),
)
def test_pages_are_together_what_one_answer_is(limit, sort, host, name, state):
    query = VmQuery(sort=sort, host=host, name=name, state=state)
    whole, _ = vm_page(_fleet, query)
    found, after, more = [], None, True
    while more:
        page, more = vm_page(_fleet, replace(query, limit=limit, after=after))
        found += page
        after = page[-1].id if page else None
    assert found == whole


def test_without_parameters_it_is_every_vm_in_the_order_of_hosts():
    assert vm_page(_fleet, VmQuery()) == (list(_fleet.vms.values()), False)


def test_sorted_by_cpu_the_busiest_comes_first_and_what_is_not_known_last():
    page, more = vm_page(_fleet, VmQuery(sort="-cpu", limit=1))
    assert [vm.home.vm.name for vm in page] == ["web-2"]
    assert more


def test_a_page_after_a_vm_that_is_gone_is_refused():
    with pytest.raises(NotFound, match="begin without"):
        vm_page(_fleet, VmQuery(after=an_id("gone"), limit=1))


@pytest_asyncio.fixture(loop_scope="module")
async def client(stub_socket):
    transport = httpx2.AsyncHTTPTransport(uds=str(stub_socket))
    async with httpx2.AsyncClient(transport=transport, base_url="http://novacron") as client:
        yield client


@_on_the_servers_loop
async def test_fields_are_chosen_and_the_next_page_is_named(stub, client):
    stub.show(_fleet)
    first = await client.get("/v1/vms?limit=2&sort=name&fields=host,vm.name")
    assert first.json() == [{"host": "kvm-4", "vm": {"name": "WEB-1"}}, {"host": "kvm-4", "vm": {"name": "db-1"}}]
    second = await client.get(first.headers["link"].removeprefix("<").partition(">")[0])
    assert [entry["vm"]["name"] for entry in second.json()] == ["web-1", "web-2"]
    assert "link" not in (await client.get("/v1/vms?limit=9")).headers


@pytest.mark.parametrize(
    "wrong",
    ["fields=vm.nmae", "fields=", "fields=host.name", "sort=age", "limit=0", "limit=1001", "state=on", "after=x"],
)
@_on_the_servers_loop
async def test_what_makes_no_sense_is_refused_by_its_name(stub, client, wrong):
    stub.show(_fleet)
    answer = await client.get(f"/v1/vms?{wrong}")
    assert answer.status_code == 422
    assert wrong.partition("=")[0] in answer.json()["subject"]


@pytest.mark.parametrize("path", ["/v1/vms", "/v1/vms?limit=1", "/v1/hosts", "/v1/pools", "/v1/fleet"])
@_on_the_servers_loop
async def test_who_has_this_revision_is_not_sent_it_again(stub, client, path):
    stub.show(_fleet)
    first = await client.get(path)
    assert first.status_code == 200
    again = await client.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    stub.show(replace(_fleet, revision=_fleet.revision + 1))
    assert (await client.get(path, headers={"if-none-match": first.headers["etag"]})).status_code == 200
