"""Every screen, as a picture. `pytest tests/ui/test_screenshots.py --snapshot-update` draws them anew."""

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.operation_builders import some_samples
from tests.ui.fleet import SHOWN_AT
from tests.ui.operator import LARGE, SMALL, a_console, at_console
from tests.ui.picture import picture_of

pytestmark = pytest.mark.filterwarnings("ignore:\\s*Can not relate:UserWarning")
_WIDE = (132, 36)

SCENES: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {
    "vms": (_WIDE, ("j", "j")),
    "vms-80x24": (SMALL, ("j",)),
    "vms-200x50": (LARGE, ("j", "space", "space", "space")),
    "hosts": (_WIDE, ("2", "j")),
    "operations": (_WIDE, ("3",)),
    "migration": (_WIDE, ("3", "enter")),
    "storage": (_WIDE, ("4", "j")),
    "volumes": (SMALL, ("4", "j", "enter")),
    "alerts": (_WIDE, ("5",)),
    "vm-detail": (_WIDE, ("slash", "w", "e", "b", "minus", "1", "enter", "enter")),
    "host-detail": (_WIDE, ("2", "j", "j", "enter")),
    "sick-host": (SMALL, ("2", "j", "enter")),
    "confirm": (SMALL, ("slash", "w", "e", "b", "enter", "F")),
    "confirm-several": (SMALL, ("slash", "w", "e", "b", "enter", "asterisk", "d")),
    "migrate-form": (_WIDE, ("slash", "w", "e", "b", "enter", "m")),
    "create-form": (_WIDE, ("n", "a", "p", "p", "minus", "7")),
    "palette": (SMALL, ("colon", "m", "i", "g")),
    "danger": (SMALL, ("slash", "w", "e", "b", "enter", "x")),
    "help": (SMALL, ("question_mark",)),
    "help-200x50": (LARGE, ("question_mark",)),
    "xml": (SMALL, ("slash", "w", "e", "b", "enter", "y")),
}


@pytest.mark.parametrize("name", SCENES)
async def test_the_screen_looks_as_in_its_picture(name: str, screenshot: SnapshotAssertion) -> None:
    size, keys = SCENES[name]
    console = a_console()
    console.some_samples = some_samples(until=SHOWN_AT)
    async with at_console(console, size=size) as operator:
        await operator.press(*keys)
        picture = picture_of(operator.app)
    assert picture == screenshot(name=name)


async def test_the_light_theme_looks_as_in_its_picture(screenshot: SnapshotAssertion) -> None:
    async with at_console(a_console(), size=_WIDE, theme="nova-day") as operator:
        picture = picture_of(operator.app)
    assert picture == screenshot(name="vms-day")


async def test_the_serial_console_looks_as_in_its_picture(screenshot: SnapshotAssertion) -> None:
    console = a_console()
    async with at_console(console, size=SMALL) as operator:
        await operator.press("slash", "w", "e", "b", "minus", "1", "enter", "c")
        console.serial.guest.put_nowait(
            b"\x1b[2J\x1b[H[    0.412] Run /init as init process\r\n\r\n"
            b"\x1b[1;32mweb-1\x1b[0m login: \x1b[7mroot\x1b[0m\r\n"
            b"\x1b[1;34m~ #\x1b[0m uptime\r\n 12:00:14 up 3 days,  load average: \x1b[33m0.42\x1b[0m, 0.30, 0.25\r\n"
            b"\x1b[1;34m~ #\x1b[0m "
        )
        await operator.settle()
        picture = picture_of(operator.app)
    assert picture == screenshot(name="serial")
