"""What there is: fleet, hosts, VMs, pools, operations, alerts."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from novacron.api.bodies import UUID_PATTERN
from novacron.api.caller import caller_of
from novacron.api.codec import FleetBody, json_of
from novacron.api.pages import FIELDS_PATTERN, MOST_ENTRIES, VmOrder, VmQuery, included, vm_page
from novacron.api.requests import OperationPath, VmPath, refuse_unknown_parameters
from novacron.api.views import PoolEntry, VmEntry, pool_entries, vm_entry
from novacron.model.alert.alert import Alert
from novacron.model.errors import NotFound
from novacron.model.fleet import Fleet, Host
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.operation import Operation
from novacron.model.sample import VmSample
from novacron.model.vm import VmState
from novacron.ports.backend import Backend, BackendStatus

_UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The fleet is of the revision that If-None-Match names."}
}
OneHost = Annotated[str | None, Query(description="Only of this host.")]


def reading_routes(backend: Backend) -> APIRouter:
    """Return the endpoints that change nothing."""
    routes = APIRouter(prefix="/v1", tags=["read"], dependencies=[Depends(refuse_unknown_parameters)])
    _add_fleet_routes(routes, backend)
    _add_vm_list(routes, backend)
    _add_vm_routes(routes, backend)
    _add_other_routes(routes, backend)
    return routes


def _add_fleet_routes(routes: APIRouter, backend: Backend) -> None:
    @routes.get("/fleet", response_model=FleetBody, responses=_UNCHANGED, summary="Every host with its last reading")
    async def fleet(request: Request) -> Response:
        now = await backend.fleet(caller_of(request))
        return _of_revision(
            request, now, lambda: json_of(FleetBody, FleetBody(revision=now.revision, hosts=list(now.hosts.values())))
        )

    @routes.get("/hosts", response_model=list[Host], responses=_UNCHANGED, summary="Every host, as fleet.toml has them")
    async def hosts(request: Request) -> Response:
        now = await backend.fleet(caller_of(request))
        return _of_revision(request, now, lambda: json_of(list[Host], list(now.hosts.values())))

    @routes.get("/hosts/{host}", response_model=Host, summary="One host")
    async def host(request: Request, host: str) -> Response:
        return _json(Host, _host_of(await backend.fleet(caller_of(request)), host))

    @routes.get("/pools", response_model=list[PoolEntry], responses=_UNCHANGED, summary="Storage pools of every host")
    async def pools(request: Request, host: OneHost = None) -> Response:
        now, only = await _fleet_and_host(request, backend, host)
        return _of_revision(request, now, lambda: json_of(list[PoolEntry], pool_entries(now, only)))


def _add_vm_list(routes: APIRouter, backend: Backend) -> None:
    @routes.get(
        "/vms",
        response_model=list[VmEntry] | list[dict[str, Any]],
        responses=_UNCHANGED,
        summary="Every VM, each once; or some of them, page by page",
    )
    async def vms(
        request: Request,
        host: OneHost = None,
        state: Annotated[VmState | None, Query(description="Only in this state.")] = None,
        name: Annotated[str | None, Query(description="Only with this in the name, in letters of any case.")] = None,
        sort: Annotated[VmOrder | None, Query(description="Left out: in the order of hosts.")] = None,
        after: Annotated[
            str | None, Query(pattern=UUID_PATTERN, description="The last UUID of the page before.")
        ] = None,
        limit: Annotated[int | None, Query(ge=1, le=MOST_ENTRIES, description="Left out: all.")] = None,
        fields: Annotated[
            str | None, Query(pattern=FIELDS_PATTERN, description="Only these, such as host,vm.name,vm.state.")
        ] = None,
    ) -> Response:
        now, only = await _fleet_and_host(request, backend, host)
        wanted = included(fields) if fields is not None else None
        last = VmId(after.lower()) if after is not None else None
        query = VmQuery(host=only, state=state, name=name, sort=sort, after=last, limit=limit)
        return _of_revision(request, now, lambda: _page(request, now, query, wanted))


def _add_vm_routes(routes: APIRouter, backend: Backend) -> None:
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


def _page(request: Request, fleet: Fleet, query: VmQuery, wanted: dict[str, Any] | None) -> Response:
    found, more = vm_page(fleet, query)
    answer = Response(
        json_of(list[VmEntry], [vm_entry(vm) for vm in found], include=wanted), media_type="application/json"
    )
    if more:
        following = request.url.include_query_params(after=found[-1].id)
        answer.headers["link"] = f'<{following.path}?{following.query}>; rel="next"'
    return answer


def _of_revision(request: Request, fleet: Fleet, answer: Callable[[], bytes | Response]) -> Response:
    """Answer with what is of this revision of the fleet, or say that who asks has it already."""
    tag = f'"{fleet.revision}"'
    if tag in (one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers={"etag": tag})
    made = answer()
    response = made if isinstance(made, Response) else Response(made, media_type="application/json")
    response.headers["etag"] = tag
    return response


def _json(kind: Any, value: object) -> Response:  # noqa: ANN401 - any type the model has
    """Answer in one go: the framework would check and copy ten thousand values it was just given."""
    return Response(json_of(kind, value), media_type="application/json")
