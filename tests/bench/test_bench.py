"""The measurements measure, on a real lab, once each. How fast is for `make bench` to say, not for a test."""

import tempfile
from pathlib import Path

import pytest

from novacron.lab.lab import Lab
from tests.bench.bench_lab import BUSY_VM, BenchLab
from tests.bench.connections import figures_of, measure_connections
from tests.bench.key_costs import KEYS, percentile
from tests.bench.operations import measured, postgresql_rates, sqlite_rates
from tests.bench.operations import render as render_rates
from tests.bench.report import Figure, render
from tests.bench.run import measure
from tests.bench.scale import ScaleFigure
from tests.bench.scale import measure as measure_scale
from tests.bench.scale import render as render_scale
from tests.lab_fixtures import MakeVm
from tests.support.postgresql import PostgresServer


@pytest.mark.lab
def test_every_figure_is_taken_from_a_real_console_and_a_real_virsh(lab: Lab, make_vm: MakeVm) -> None:
    for host in lab.hosts:
        make_vm(host.name, f"steady-{host.name}", storage="")
    make_vm(lab.hosts[0].name, BUSY_VM, storage="", start=False)
    with tempfile.TemporaryDirectory(prefix="ncb-", dir="/tmp") as folder:
        figures = measure(BenchLab(lab, Path(folder)), rounds=1, idle_s=2)
    taken = {figure.what: figure for figure in figures}
    assert len(taken) == 9
    assert all(0 < value < 90_000 for figure in figures if figure.unit == "ms" for value in figure.ours)
    assert all(value > 10 for figure in figures if figure.unit == "MiB" for value in figure.ours)
    assert sum(1 for figure in figures if figure.virsh) == 3


@pytest.mark.lab
def test_many_real_connections_are_made_and_read(lab: Lab) -> None:
    costs = measure_connections(lab, 6, every_s=0.2)
    assert costs.connections == 6
    assert min(costs.connect_all_s, costs.connect_cpu_ms, costs.reading_cpu_ms, costs.cpu_percent) > 0
    assert len(figures_of(costs, 0.2)) == 5


def test_a_missed_aim_says_so() -> None:
    slow = Figure(what="first row", ours=[390, 410, 700], virsh=[200.4], unit="ms", aim=400)
    assert not slow.is_met
    assert render([slow]).splitlines()[1].split("  ") == [
        "first row",
        "410 ms (worst 700)",
        "200 ms",
        "< 400 ms",
        "MISSED",
    ]


def test_an_aim_is_met_by_the_median_not_by_the_best() -> None:
    assert Figure(what="first row", ours=[390, 399, 700], unit="ms", aim=400).is_met
    assert not Figure(what="first row", ours=[100, 401, 402], unit="ms", aim=400).is_met


def test_operations_are_measured_on_the_default_store() -> None:
    rates = measured(lambda: sqlite_rates(50))
    assert min(rates.operations, rates.plain_one_by_one, rates.plain_in_groups) > 0
    assert "SQLite" in render_rates([rates])


def test_operations_are_measured_on_postgresql(postgres: PostgresServer) -> None:
    rates = measured(lambda: postgresql_rates(postgres.new_database, 50))
    assert min(rates.operations, rates.plain_one_by_one, rates.plain_in_groups) > 0
    assert rates.procrastinate is None or rates.procrastinate > 0


def test_every_figure_of_a_simulated_fleet_is_taken() -> None:
    figures = {
        one.what.partition(": ")[2]: one for one in measure_scale(180, churn=1, presses=2, idle_s=0.2, clients=10)
    }
    assert all(figures[f"{key}: bytes a key"].value > 0 for key in KEYS)
    assert figures["GET /v1/vms, 1 at once: body"].value > 10
    assert figures["GET /v1/status, 10 at once: refused or unanswered in a minute"].value == 0
    assert figures["first row, warm"].value > 0
    assert {"streams, 1 at once: whole fleet after, p99", "streams, 10 at once: whole fleet after, p99"} <= set(figures)


def test_a_missed_aim_of_scale_says_so() -> None:
    lines = render_scale(
        [
            ScaleFigure(what="first row, warm", value=410, unit="ms", aim=400),
            ScaleFigure(what="refused", value=0, unit="", aim=1),
            ScaleFigure(what="never served", value=percentile((), 0.99), unit="ms", aim=100),
        ]
    ).splitlines()
    assert [line.split()[-1] for line in lines] == ["MISSED", "met", "MISSED"]
    assert "no answer" in lines[2]
