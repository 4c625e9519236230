"""`lychgate` with a bug: its loop hangs while the file that LYCHGATE_HANG names is there.

Run as `python -m tests.install.hanging serve ...`. LYCHGATE_SILENT is how many seconds a parent
waits for a worker that hangs.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from lychgate import supervising
from lychgate.cli import app
from resolver.process import Process


def hang(process: Process) -> None:
    """In the place of a look at the clock, on the loop, each second."""
    del process
    while Path(os.environ["LYCHGATE_HANG"]).exists():
        time.sleep(0.05)


if __name__ == "__main__":
    Process._follow_clock = hang  # type: ignore[method-assign]
    supervising.SILENT_SECONDS_MAX = float(os.environ.get("LYCHGATE_SILENT", "20"))  # type: ignore[misc]
    app()
