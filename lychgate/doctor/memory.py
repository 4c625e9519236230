"""Memory of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lychgate.doctor import Finding, Patient

LOOKS_FOR = "Too little memory for what is configured: the kernel ends processes when it runs out."
MEMINFO: Final = Path("/proc/meminfo")
LOW_OCTETS: Final = 150_000_000
WORKER_OCTETS: Final = 120_000_000
"""What one worker takes after a busy day; measured in docs/performance.md."""


def check(patient: Patient) -> Iterator[Finding]:
    """What is available, beside what the workers may take."""
    if patient.configuration is None:
        return
    try:
        lines = dict(
            line.split(":", 1) for line in MEMINFO.read_text(encoding="ascii").splitlines()
        )
        available = int(lines["MemAvailable"].split()[0]) * 1024
        total = int(lines["MemTotal"].split()[0]) * 1024
    except (OSError, KeyError, ValueError, IndexError):
        return
    workers = patient.configuration.server.workers
    shown = f"{available / 1e6:,.0f} of {total / 1e6:,.0f} MB are available"
    if available < LOW_OCTETS or total < workers * WORKER_OCTETS * 2:
        yield Finding(
            "warning",
            f"{shown}; {workers} worker{'s' if workers > 1 else ''} may take "
            f"{workers * WORKER_OCTETS / 1e6:,.0f} MB",
            "when memory runs out the kernel ends a process, perhaps the resolver",
            ("ps aux --sort=-rss | head", "lower server.workers or cache.entries_max"),
        )
    else:
        yield Finding("good", shown)
