"""What there is: fleet, hosts, VMs, pools, operations, alerts."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from novacron.api.caller import caller_of
from novacron.api.codec import FleetBody, json_of
from novacron.api.requests import OperationPath, VmPath, refuse_unknown_parameters
from novacron.api.views import PoolEntry, VmEntry, pool_entries, vm_entries, vm_entry
from novacron.model.alert.alert import Alert
from novacron.model.errors import NotFound
from novacron.model.fleet import Fleet, Host
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.operation import Operation
from novacron.model.sample import VmSample
from novacron.ports.backend import Backend, BackendStatus

OneHost = Annotated[str | None, Query(description="Only of this host.")]


def reading_routes(backend: Backend) -> APIRouter:
    """Return the endpoints that change nothing."""
    routes = APIRouter(prefix="/v1", tags=["read"], dependencies=[Depends(refuse_unknown_parameters)])
    _add_fleet_routes(routes, backend)
    _add_vm_routes(routes, backend)
    _add_other_routes(routes, backend)
    return routes


def _add_fleet_routes(routes: APIRouter, backend: Backend) -> None:
    @routes.get("/fleet", response_model=FleetBody, summary="Every host with its last reading")
    async def fleet(request: Request) -> Response:
        now = await backend.fleet(caller_of(request))
        return _json(FleetBody, FleetBody(revision=now.revision, hosts=list(now.hosts.values())))

    @routes.get("/hosts", response_model=list[Host], summary="Every host, in the order of fleet.toml")
    async def hosts(request: Request) -> Response:
        return _json(list[Host], list((await backend.fleet(caller_of(request))).hosts.values()))

    @routes.get("/hosts/{host}", response_model=Host, summary="One host")
    async def host(request: Request, host: str) -> Response:
        return _json(Host, _host_of(await backend.fleet(caller_of(request)), host))

    @routes.get("/pools", response_model=list[PoolEntry], summary="Every storage pool on every host")
    async def pools(request: Request, host: OneHost = None) -> Response:
        return _json(list[PoolEntry], pool_entries(*await _fleet_and_host(request, backend, host)))


def _add_vm_routes(routes: APIRouter, backend: Backend) -> None:
    @routes.get("/vms", response_model=list[VmEntry], summary="Every VM, each once")
    async def vms(request: Request, host: OneHost = None) -> Response:
        return _json(list[VmEntry], vm_entries(*await _fleet_and_host(request, backend, host)))

    @routes.get("/vms/{vm}", response_model=VmEntry, summary="One VM, by UUID")
    async def vm(request: Request, vm: VmPath) -> Response:
        found = (await backend.fleet(caller_of(request))).find_vm(VmId(vm))
        if found is None:
            raise NotFound(vm, "no VM of this fleet has that UUID", "GET /v1/vms lists them")
        return _json(VmEntry, vm_entry(found))

    @routes.get(
        "/vms/{vm}/definition",
        response_class=Response,
        responses={200: {"content": {"application/xml": {"schema": {"type": "string"}}}}},
        summary="The VM's XML, as one host has it",
    )
    async def definition(request: Request, vm: VmPath, host: str) -> Response:
        xml = await backend.definition(caller_of(request), VmId(vm), HostId(host))
        return Response(xml.encode(errors="replace"), media_type="application/xml")

    @routes.get("/vms/{vm}/samples", summary="Its last minutes, oldest first")
    async def samples(request: Request, vm: VmPath) -> tuple[VmSample, ...]:
        return await backend.samples(caller_of(request), VmId(vm))


def _add_other_routes(routes: APIRouter, backend: Backend) -> None:
    @routes.get("/status", summary="What the backend says of itself")
    async def status(request: Request) -> BackendStatus:
        return await backend.status(caller_of(request))

    @routes.get("/operations", response_model=tuple[Operation, ...], summary="Recent operations, newest first")
    async def operations(request: Request) -> Response:
        return _json(tuple[Operation, ...], await backend.operations(caller_of(request)))

    @routes.get("/operations/{operation}", response_model=Operation, summary="One operation, however old")
    async def operation(request: Request, operation: OperationPath) -> Response:
        return _json(Operation, await backend.find_operation(caller_of(request), OperationId(operation)))

    @routes.get(
        "/operations/{operation}/children",
        response_model=tuple[Operation, ...],
        summary="The operations of a batch, in their order",
    )
    async def children(request: Request, operation: OperationPath) -> Response:
        found = await backend.children(caller_of(request), OperationId(operation))
        return _json(tuple[Operation, ...], found)

    @routes.get("/alerts", response_model=tuple[Alert, ...], summary="Alerts that hold, then those cleared lately")
    async def alerts(request: Request) -> Response:
        return _json(tuple[Alert, ...], await backend.alerts(caller_of(request)))


async def _fleet_and_host(request: Request, backend: Backend, host: str | None) -> tuple[Fleet, HostId | None]:
    fleet = await backend.fleet(caller_of(request))
    return fleet, _host_of(fleet, host).id if host is not None else None


def _host_of(fleet: Fleet, host: str) -> Host:
    found = fleet.hosts.get(HostId(host))
    if found is None:
        raise NotFound(host, "no host of this fleet has that name", "GET /v1/hosts lists them")
    return found


def _json(kind: Any, value: object) -> Response:  # noqa: ANN401 - any type the model has
    """Answer in one go: the framework would check and copy ten thousand values it was just given."""
    return Response(json_of(kind, value), media_type="application/json")
