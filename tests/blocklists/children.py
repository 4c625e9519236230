"""Jobs of `blocklists.working` that run as children of a process, found through /proc."""

from __future__ import annotations

from pathlib import Path

from tests.lychgate.running import is_running


def children_of(parent: int) -> list[int]:
    """Process ids of the jobs that `parent` started and that still run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue  # it ended meanwhile
        if int(stat.rpartition(")")[2].split()[1]) == parent and b"blocklists.working" in command:
            found.append(int(folder.name))
    return [pid for pid in found if is_running(pid)]


def niceness(pid: int) -> int:
    """19 once a job has given way."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16])
