"""The backend's log: a file, never the terminal, on which a console may be drawn."""

import logging
import os
from contextlib import nullcontext, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog

from novacron.model.errors import ConfigError
from novacron.model.safetext import SafeText

_MOST_BYTES = 5_000_000
_LONGEST_RECORD = 64 * 1024
_STAMPS: tuple[structlog.typing.Processor, ...] = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def log_to(path: Path) -> "BoundedFile":
    """Send every log line of this process to the file: ours from INFO on, the libraries' from WARNING on.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        handler = BoundedFile(path, maxBytes=_MOST_BYTES, backupCount=1, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(
            str(path), f"cannot be written: {error.strerror}", "check owner, mode and room of its folder"
        ) from error
    handler.setFormatter(
        _Inert(
            foreign_pre_chain=(*_STAMPS, structlog.stdlib.ExtraAdder(), structlog.processors.format_exc_info),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "logger", "event"]),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("novacron").setLevel(logging.INFO)
    # A full disk must not fill the error output with the news that it is full.
    logging.raiseExceptions = False
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_STAMPS,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return handler


class BoundedFile(RotatingFileHandler):
    """A log of at most two files, whoever writes into it.

    A detached backend's stdout and stderr are the file as well: what libraries print there would go on into the file
    that was put aside, and on after that one was deleted, where nobody sees what fills the disk.
    """

    def bound(self) -> None:
        """Begin a new file if the present one is full: what is printed passes no handler that would notice."""
        with self.lock or nullcontext():
            if self.stream is not None and os.fstat(self.stream.fileno()).st_size >= self.maxBytes:
                self.doRollover()

    def doRollover(self) -> None:  # noqa: N802 - the library's name
        """Begin a new file, and let stdout and stderr go there too where they went to the old one."""
        before = os.fstat(self.stream.fileno()) if self.stream is not None else None
        super().doRollover()
        if before is None or self.stream is None:
            return
        for number in (1, 2):
            with suppress(OSError):  # it was closed, which is its owner's choice
                if os.path.samestat(os.fstat(number), before):
                    os.dup2(self.stream.fileno(), number)


class _Inert(structlog.stdlib.ProcessorFormatter):
    """Quoted words of hypervisors may hold control sequences, and an operator will read the log on a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return "\n".join(SafeText(line) for line in text[:_LONGEST_RECORD].splitlines())
