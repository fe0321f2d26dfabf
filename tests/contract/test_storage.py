"""Disks and pools: made once, never taken from somebody else, deleted once."""

import uuid
from dataclasses import replace

import pytest

from novacron.model.errors import Conflict, NotFound
from novacron.model.ids import VmId
from novacron.model.operations.creation import definition_of, disk_of
from novacron.model.storage import Pool, Volume
from novacron.ports.hypervisor import Hypervisor
from tests.contract.hypervisor_pair import DEADLINE_S, HypervisorPair


async def _pool(hypervisor: Hypervisor, name: str) -> Pool:
    reading = await hypervisor.reader.read(inventory=True, deadline_s=DEADLINE_S)
    return next(pool for pool in reading.pools if pool.name == name)


async def _volume(hypervisor: Hypervisor, pool: str, path: str) -> Volume | None:
    volumes = (await _pool(hypervisor, pool)).volumes
    return next((volume for volume in volumes if volume.path == path), None)


async def test_a_disk_is_made_once_and_made_anew_only_when_asked_for(pair: HypervisorPair) -> None:
    intent = pair.intent()
    path = await pair.a.storage.create_disk(disk_of(intent), deadline_s=DEADLINE_S)
    with pytest.raises(Conflict):
        await pair.a.storage.create_disk(disk_of(intent), deadline_s=DEADLINE_S)
    assert await pair.a.storage.create_disk(disk_of(intent), anew=True, deadline_s=DEADLINE_S) == path
    volume = await _volume(pair.a, pair.shared_pool, path)
    assert volume is not None
    assert volume.capacity_mib == intent.disk_mib


async def test_a_disk_is_found_once_it_is_made_and_no_other_vms(pair: HypervisorPair) -> None:
    intent = pair.intent()
    assert await pair.a.storage.find_disk(disk_of(intent), deadline_s=DEADLINE_S) == ""
    path = await pair.a.storage.create_disk(disk_of(intent), deadline_s=DEADLINE_S)
    assert await pair.a.storage.find_disk(disk_of(intent), deadline_s=DEADLINE_S) == path
    assert await pair.a.storage.find_disk(disk_of(pair.intent()), deadline_s=DEADLINE_S) == ""


async def test_a_disk_that_a_vm_has_is_not_made_anew(pair: HypervisorPair) -> None:
    intent = pair.intent()
    path = await pair.a.storage.create_disk(disk_of(intent), deadline_s=DEADLINE_S)
    await pair.a.definitions.define(definition_of(intent, path), deadline_s=DEADLINE_S)
    with pytest.raises(Conflict):
        await pair.a.storage.create_disk(disk_of(intent), anew=True, deadline_s=DEADLINE_S)
    assert await pair.a.storage.find_disk(disk_of(intent), deadline_s=DEADLINE_S) == path


async def test_a_disk_from_a_base_image_is_at_least_as_large(pair: HypervisorPair) -> None:
    base = next(volume for volume in (await _pool(pair.a, pair.shared_pool)).volumes if volume.name == pair.base_volume)
    path = await pair.a.storage.create_disk(disk_of(pair.intent(base_volume=base.name)), deadline_s=DEADLINE_S)
    volume = await _volume(pair.a, pair.shared_pool, path)
    assert volume is not None
    assert volume.capacity_mib >= base.capacity_mib
    assert volume.path != base.path


async def test_a_volume_made_for_another_vm_is_a_conflict(pair: HypervisorPair) -> None:
    intent = pair.intent()
    await pair.a.storage.create_disk(disk_of(intent), deadline_s=DEADLINE_S)
    stranger = replace(intent, vm=VmId(str(uuid.uuid4())))
    with pytest.raises(Conflict):
        await pair.a.storage.create_disk(disk_of(stranger), deadline_s=DEADLINE_S)


async def test_a_pool_or_image_that_is_not_there_is_not_found(pair: HypervisorPair) -> None:
    with pytest.raises(NotFound):
        await pair.a.storage.create_disk(disk_of(pair.intent(pool="no-such-pool")), deadline_s=DEADLINE_S)
    with pytest.raises(NotFound):
        await pair.a.storage.create_disk(disk_of(pair.intent(base_volume="no-such-image")), deadline_s=DEADLINE_S)


async def test_what_one_host_made_on_shared_storage_another_one_deletes(pair: HypervisorPair) -> None:
    first, second = pair.intent(), pair.intent()
    paths = [await pair.a.storage.create_disk(disk_of(intent), deadline_s=DEADLINE_S) for intent in (first, second)]
    await pair.b.storage.delete_disk(paths[0], deadline_s=DEADLINE_S)
    name = paths[1].rpartition("/")[2]
    await pair.b.storage.delete_volume(pair.shared_pool, name, deadline_s=DEADLINE_S)
    for path in paths:
        assert await _volume(pair.a, pair.shared_pool, path) is None


async def test_what_another_host_deleted_is_deleted_although_a_pool_still_lists_it(pair: HypervisorPair) -> None:
    first, second = pair.intent(), pair.intent()
    paths = [await pair.a.storage.create_disk(disk_of(intent), deadline_s=DEADLINE_S) for intent in (first, second)]
    for path in paths:
        assert await _volume(pair.b, pair.shared_pool, path) is not None
        await pair.a.storage.delete_disk(path, deadline_s=DEADLINE_S)
    await pair.b.storage.delete_disk(paths[0], deadline_s=DEADLINE_S)
    await pair.b.storage.delete_volume(pair.shared_pool, paths[1].rpartition("/")[2], deadline_s=DEADLINE_S)
    for path in paths:
        assert await _volume(pair.b, pair.shared_pool, path) is None


async def test_deleting_a_disk_removes_the_volume_and_may_be_repeated(pair: HypervisorPair) -> None:
    path = await pair.a.storage.create_disk(disk_of(pair.intent()), deadline_s=DEADLINE_S)
    await pair.a.storage.delete_disk(path, deadline_s=DEADLINE_S)
    assert await _volume(pair.a, pair.shared_pool, path) is None
    await pair.a.storage.delete_disk(path, deadline_s=DEADLINE_S)


async def test_deleting_a_volume_by_name_may_be_repeated(pair: HypervisorPair) -> None:
    path = await pair.a.storage.create_disk(disk_of(pair.intent(pool=pair.local_pool)), deadline_s=DEADLINE_S)
    volume = await _volume(pair.a, pair.local_pool, path)
    assert volume is not None
    await pair.a.storage.delete_volume(pair.local_pool, volume.name, deadline_s=DEADLINE_S)
    assert await _volume(pair.a, pair.local_pool, path) is None
    await pair.a.storage.delete_volume(pair.local_pool, volume.name, deadline_s=DEADLINE_S)


async def test_a_pool_is_stopped_and_started(pair: HypervisorPair) -> None:
    await pair.a.storage.set_pool_active(pair.local_pool, False, deadline_s=DEADLINE_S)
    try:
        assert not (await _pool(pair.a, pair.local_pool)).active
    finally:
        await pair.a.storage.set_pool_active(pair.local_pool, True, deadline_s=DEADLINE_S)
    assert (await _pool(pair.a, pair.local_pool)).active


async def test_the_shared_pool_shows_one_hosts_volume_on_the_other(pair: HypervisorPair) -> None:
    path = await pair.a.storage.create_disk(disk_of(pair.intent()), deadline_s=DEADLINE_S)
    (probe,) = await pair.b.storage.probe_disks((path,), deadline_s=DEADLINE_S)
    assert probe.visible
    (here,) = await pair.a.storage.probe_disks((path,), deadline_s=DEADLINE_S)
    assert here.identity
    assert here.identity == probe.identity, "it is one file"
    assert (await _pool(pair.b, pair.shared_pool)).shared


async def test_a_local_volume_is_not_visible_elsewhere(pair: HypervisorPair) -> None:
    path = await pair.a.storage.create_disk(disk_of(pair.intent(pool=pair.local_pool)), deadline_s=DEADLINE_S)
    (probe,) = await pair.b.storage.probe_disks((path,), deadline_s=DEADLINE_S)
    assert not probe.visible
    assert not probe.identity
    assert not (await _pool(pair.a, pair.local_pool)).shared


async def test_files_of_one_path_on_two_hosts_are_told_apart(pair: HypervisorPair) -> None:
    intent = pair.intent(pool=pair.local_pool)
    paths = {
        await hypervisor.storage.create_disk(disk_of(intent), deadline_s=DEADLINE_S) for hypervisor in (pair.a, pair.b)
    }
    (path,) = paths
    (here,) = await pair.a.storage.probe_disks((path,), deadline_s=DEADLINE_S)
    (there,) = await pair.b.storage.probe_disks((path,), deadline_s=DEADLINE_S)
    assert here.visible
    assert there.visible
    assert here.identity != there.identity
    assert here.inode != there.inode
