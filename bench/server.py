"""The Lychgate that is measured: its index, its configuration, and the command that starts it.

Everything is at its default, so all features are on; only addresses, the rate limit (the load comes
from one address) and the folder of its files are set. Nothing here measures.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("LYCHGATE_SHARED", ROOT.parent / "shared"))
HARNESS = SHARED / "bench" / "run.py"
WORK = Path(os.environ.get("BENCH_WORK", Path(tempfile.gettempdir()) / "dns-bench"))
"""Where the harness keeps its files; the same default as its own."""

PORT = 5353
UPSTREAM_PORT = 5399
"""Where the harness's upstream listens."""
METRICS_PORT = 9399

PACKAGES = {
    "dnsperf": "dnsperf",
    "unbound": "unbound",
    "gcc": "gcc libc6-dev",
    "taskset": "util-linux",
    "pdns_recursor": "pdns-recursor",
    "dnsmasq": "dnsmasq-base",
}
"""Program -> what Debian calls its package."""


def demand(*programs: str) -> None:
    """End with a word about what is missing, if anything is."""
    sbin = os.environ["PATH"] + os.pathsep + "/usr/sbin"
    missing = [program for program in programs if shutil.which(program, path=sbin) is None]
    if missing:
        names = " ".join(PACKAGES[program] for program in missing)
        sys.exit(f"bench: {', '.join(missing)}: not here; as root: apt-get install -y {names}")


def build_index(lists: Path, index: Path) -> None:
    """Compile the list unless the index is newer than list and compiler."""
    made_from = [lists, *(ROOT / "categoriser").glob("*.py"), *(ROOT / "blocklists").rglob("*.py")]
    newest = max(path.stat().st_mtime for path in made_from)
    if index.exists() and index.stat().st_mtime > newest:
        return
    print(f"compiling {lists} into {index} ...", flush=True)
    index.parent.mkdir(parents=True, exist_ok=True)
    options = ["--category", "gambling", "--out", str(index)]
    subprocess.run(command("index", "build", str(lists), *options), cwd=ROOT, check=True)


def write_configuration(
    folder: Path, index: Path | None, policy: Path | None = None, upstream_port: int = UPSTREAM_PORT
) -> Path:
    """The `lychgate.toml` of a measured server; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        "[server]",
        f'listen = ["127.0.0.1:{PORT}"]',
        f'state_directory = "{folder / "state"}"',
        "[upstream]",
        f'servers = ["127.0.0.1:{upstream_port}"]',
        "[filter]",
        *([f'index = "{index}"'] if index is not None else []),
        *([f'policy = "{policy}"'] if policy is not None else []),
        "[[limits.networks]]",
        'network = "127.0.0.0/8"',
        "queries_per_second = 10_000_000",
        "[metrics]",
        f'listen = "127.0.0.1:{METRICS_PORT}"',
        "[log]",
        'level = "warning"',
    ]
    path = folder / "lychgate.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def command(*arguments: str) -> list[str]:
    """A `lychgate` command of this checkout, to be run in its root."""
    return [sys.executable, "-m", "lychgate", *arguments]
