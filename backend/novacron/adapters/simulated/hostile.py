"""Names and descriptions that attack whoever paints them: for screens and logs to prove themselves on."""

from typing import Final

HOSTILE_TEXTS: Final = (
    "web-\x1b[2Jcleared",
    "web-\x1b]52;c;cm0gLXJmIC8=\x07clipboard",
    "db-\x1b]8;;http://example.invalid\x1b\\link\x1b]8;;\x1b\\",
    "db-\x9b31mc1-colour",
    "db-\x9d0;title\x9c",
    "cache-\u202egnp.exe",
    "cache-\u2066isolate\u2069-\u200bzero\u200dwidth\ufeff",
    "[bold red]markup[/bold red]",
    "[/] closes nothing",
    "[link=file:///etc/passwd]press me[/link]",
    "build-\r\nforged line",
    "build-\ttab\x00nul\x08\x08bs",
    "--help",
    "; reboot #",
    "$(reboot)`reboot`",
    "<disk type='block'><source dev='/dev/sda'/></disk>",
    "wide-\u6f22\u5b57\uff26\uff35\uff2c\uff2c-\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "marks-" + "e\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308" * 4,
    " leading and trailing ",
    "\u2028separators\u2029",
    "x" * 5000,
    "../../etc/shadow",
    "tags-\U000e0041\U000e0042\U000e007f",
)
"""Each is one VM's name in a hostile world. libvirt itself accepts most of them."""
