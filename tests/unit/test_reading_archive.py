"""The last readings as files: read back as they were, one bad one alone is lost, and a full disk loses none."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from novacron.adapters.files.reading_archive import FileReadingArchive
from novacron.model.errors import JournalError
from novacron.model.ids import HostId
from tests.builders import a_reading, a_vm
from tests.operation_strategies import fleets


async def test_a_reading_is_read_back_as_it_was(tmp_path: Path) -> None:
    archive = FileReadingArchive(tmp_path / "readings")
    assert await archive.load() == ()
    foreign = replace(a_vm(), name="\ud800\x1b[2J")
    reading = replace(a_reading("a", foreign), host=HostId("../kvm\udcff/1"))
    await archive.keep(reading)
    assert await FileReadingArchive(tmp_path / "readings").load() == (reading,)
    newer = replace(reading, vms=())
    await archive.keep(newer)
    assert await archive.load() == (newer,)
    await archive.forget(reading.host)
    await archive.forget(HostId("never heard of"))
    assert await archive.load() == ()


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(fleets())
async def test_any_reading_is_read_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, fleet) -> None:
    archive = FileReadingArchive(tmp_path_factory.mktemp("readings"))
    readings = {host.reading.host: host.reading for host in fleet.hosts.values() if host.reading}
    for reading in readings.values():
        await archive.keep(reading)
    assert {reading.host: reading for reading in await archive.load()} == readings


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"host": 3}'])
async def test_one_that_is_damaged_costs_itself_alone(tmp_path: Path, text: str) -> None:
    archive = FileReadingArchive(tmp_path)
    await archive.keep(a_reading("a"))
    (tmp_path / "damaged.json").write_text(text)
    assert [reading.host for reading in await archive.load()] == ["a"]


def _block_writing(folder: Path) -> None:
    (path,) = folder.glob("*.json")
    path.with_suffix(".new").mkdir()


async def test_what_cannot_be_written_leaves_the_former_one(tmp_path: Path) -> None:
    archive = FileReadingArchive(tmp_path)
    await archive.keep(a_reading("a", a_vm()))
    _block_writing(tmp_path)
    with pytest.raises(JournalError, match="cannot be kept"):
        await archive.keep(a_reading("a"))
    assert len((await archive.load())[0].vms) == 1
