"""The global options: which fleet a command is about."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import typer

from novacron.config.options import FleetOptions

_SIZE = re.compile(r"(\d{1,4})x(\d{1,6})")
_MOST_VMS: Final = 200_000
"""More do not fit into the memory of a small machine: a slip of the finger must not fill it."""


def fleet_options(
    fleet: Path | None,
    connect: list[str] | None,
    simulated: bool,
    simulated_size: str | None,
    simulated_churn: float | None = None,
) -> FleetOptions:
    """Return the fleet meant; more than one way of naming it is an error of the command line.

    NOVACRON_FLEET counts where the command line says nothing.
    """
    simulated = simulated or simulated_size is not None or simulated_churn is not None
    if sum((fleet is not None, bool(connect), simulated)) > 1:
        raise typer.BadParameter("say only one of --fleet, --connect and --simulated")
    if simulated:
        chosen = FleetOptions(simulated=True, simulated_churn=simulated_churn)
        if not simulated_size:
            return chosen
        hosts, vms = _size_of(simulated_size)
        return replace(chosen, simulated_hosts=hosts, simulated_vms=vms)
    if fleet is None and not connect and (usual := os.environ.get("NOVACRON_FLEET")):
        fleet = Path(usual)
    return FleetOptions(fleet=fleet, connect=tuple(connect or ()))


def options_from(parameters: Mapping[str, Any]) -> FleetOptions:
    """Return the fleet meant by already parsed parameters of the root command."""
    return fleet_options(
        parameters.get("fleet"),
        list(parameters.get("connect") or ()),
        bool(parameters.get("simulated")),
        parameters.get("simulated_size"),
        parameters.get("simulated_churn"),
    )


def _size_of(text: str) -> tuple[int, int]:
    match = _SIZE.fullmatch(text)
    if match is None or int(match[1]) < 1:
        raise typer.BadParameter("a size is HOSTSxVMS, such as 12x15: 12 hosts of 15 VMs each")
    hosts, vms = int(match[1]), int(match[2])
    if hosts * vms > _MOST_VMS:
        raise typer.BadParameter(f"{text} means {hosts} hosts of {vms} VMs each; at most {_MOST_VMS} VMs are simulated")
    return hosts, vms
