"""Every screen, as a picture of a simulated night. With `--snapshot-update` it is drawn anew."""

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.ui.operator import LARGE, SMALL
from tests.ui.scenes import on_call
from tests.ui.svg import svg_of

pytestmark = pytest.mark.filterwarnings("ignore:\\s*Can not relate:UserWarning")
_WIDE = (132, 36)
_TO_EDGE = ("slash", "text:web-edge-01", "enter")

SCENES: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {
    "vms": (_WIDE, ("j", "j")),
    "vms-80x24": (SMALL, ("j",)),
    "vms-200x50": (LARGE, ("j", "space", "space", "space")),
    "hosts": (_WIDE, ("2", "j")),
    "operations": (_WIDE, ("3", "j")),
    "migration": (_WIDE, ("3", "enter")),
    "overview": (_WIDE, ("0",)),
    "overview-80x24": (SMALL, ("0",)),
    "overview-200x50": (LARGE, ("0", "down")),
    "storage": (_WIDE, ("4", "j")),
    "volumes": (SMALL, ("4", "j", "enter")),
    "alerts": (_WIDE, ("5",)),
    "vm-detail": (_WIDE, (*_TO_EDGE, "enter")),
    "host-detail": (_WIDE, ("2", "j", "j", "j", "enter")),
    "sick-host": (SMALL, ("2", "enter")),
    "confirm": (SMALL, (*_TO_EDGE, "F")),
    "confirm-several": (SMALL, ("slash", "text:host:=kvm-fra-01 state:running", "enter", "asterisk", "d")),
    "migrate-form": (_WIDE, (*_TO_EDGE, "m")),
    "create-form": (_WIDE, ("n", "text:app-7")),
    "palette": (SMALL, ("colon", "text:mig")),
    "danger": (SMALL, (*_TO_EDGE, "x")),
    "help": (SMALL, ("question_mark",)),
    "help-200x50": (LARGE, ("question_mark",)),
    "xml": (SMALL, (*_TO_EDGE, "y")),
    "serial": (SMALL, (*_TO_EDGE, "c", "enter", "text:root", "enter", "text:uptime", "enter")),
}


@pytest.mark.parametrize("name", SCENES)
async def test_the_screen_looks_as_in_its_picture(name: str, screenshot: SnapshotAssertion) -> None:
    size, keys = SCENES[name]
    async with on_call(size=size) as operator:
        for key in keys:
            await (operator.type(key[5:]) if key.startswith("text:") else operator.press(key))
        await operator.settle()
        picture = svg_of(operator.app)
    assert picture == screenshot(name=name)


async def test_the_light_theme_looks_as_in_its_picture(screenshot: SnapshotAssertion) -> None:
    async with on_call(size=_WIDE, theme="nova-day") as operator:
        picture = svg_of(operator.app)
    assert picture == screenshot(name="vms-day")
