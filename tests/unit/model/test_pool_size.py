"""Figures of a pool: only what can be true of it is shown."""

import pytest

from novacron.model.operations.creation import plan_create
from novacron.model.plan.plan import Plan
from novacron.model.storage import PoolSize, plausible_size
from tests.builders import a_fleet, a_host, a_pool, a_reading
from tests.operation_builders import a_create


@pytest.mark.parametrize(
    ("capacity", "allocation", "available", "known"),
    [
        (100, 40, 60, (100, 40, 60)),
        (100, 0, 100, (100, 0, 100)),
        (100, 40, 101, (100, 40, None)),
        (100, 101, 0, (100, None, 0)),
        (100, -1, -(2**43), (100, None, None)),
        (-1, 0, 0, (None, None, None)),
        (0, 0, 0, (None, None, None)),
        (2**44, 1, 1, (None, None, None)),
    ],
)
def test_what_cannot_be_is_not_known(capacity, allocation, available, known) -> None:
    size = plausible_size(capacity_mib=capacity, allocation_mib=allocation, available_mib=available)
    assert size == PoolSize(capacity_mib=known[0], allocation_mib=known[1], available_mib=known[2])
    pool = a_pool().of_size(size)
    assert (pool.used_fraction is None) is (None in (known[0], known[2]))
    assert a_pool(active=False).used_fraction is None


def test_a_disk_in_a_pool_of_unknown_size_is_planned_with_a_warning() -> None:
    pool = a_pool().of_size(PoolSize())
    fleet = a_fleet(a_host("a", reading=a_reading("a", pools=(pool,))))
    planned = plan_create(a_create(host="a", pool=pool.name), fleet)
    assert isinstance(planned, Plan)
    assert "how much is free in pool vm is not known" in planned.warnings
