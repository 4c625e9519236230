"""How Lychgate writes what happens: one line for each event on standard error, by structlog.

Rooms below say what happened (`structlog.get_logger(...)`) and know nothing of levels or formats;
those are set here, once. Queries are not logged: telemetry counts them.
"""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor

from lychgate.settings import Log


def start_logging(settings: Log) -> None:
    """Set level and format for the whole process."""
    render: Processor
    if settings.format == "json":
        render = structlog.processors.JSONRenderer()
    else:
        render = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=False)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=False),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[settings.level.upper()]
        ),
        # One write for line and line end: workers share the stream, and lines must not mix.
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
