"""The backend's log: a file, never the terminal, on which a console may be drawn."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog

from novacron.model.errors import ConfigError
from novacron.model.safetext import SafeText

_MOST_BYTES = 5_000_000
_STAMPS: tuple[structlog.typing.Processor, ...] = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def log_to(path: Path) -> None:
    """Send every log line of this process to the file: ours from INFO on, the libraries' from WARNING on.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        handler = RotatingFileHandler(path, maxBytes=_MOST_BYTES, backupCount=1, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(
            str(path), f"cannot be written: {error.strerror}", "check owner, mode and room of its folder"
        ) from error
    handler.setFormatter(
        _Inert(
            foreign_pre_chain=_STAMPS,
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


class _Inert(structlog.stdlib.ProcessorFormatter):
    """Quoted words of hypervisors may hold control sequences, and an operator will read the log on a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(SafeText(line) for line in super().format(record).splitlines())
