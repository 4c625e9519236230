"""How Lychgate writes what happens: one line for each event on standard error, by structlog.

Rooms below say what happened (`structlog.get_logger(...)`) and know nothing of levels or formats;
those are set here, once. Queries are not logged: telemetry counts them.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import structlog
from structlog.typing import Processor

from lychgate.settings import Log

if TYPE_CHECKING:  # the resolver logs too, and needs nothing of lists
    from blocklists.compiling import CompileReport
    from blocklists.refreshing import RefreshReport


def log_refreshed(report: RefreshReport) -> None:
    """What a refresh of lists did, a line for each list that changed or could not."""
    log = structlog.get_logger("lists")
    for one in report.results:
        if one.outcome in ("held", "failed"):
            log.warning(f"list {one.outcome}", source=one.source, why=one.message)
        elif one.outcome == "kept":
            log.info("list taken", source=one.source, version=one.version, entries=one.entries)


def log_compiled(report: CompileReport) -> None:
    """The new index."""
    structlog.get_logger("lists").info("index made", names=report.names, octets=report.octets)


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
