#!/usr/bin/env python3
"""`make bench`: Lychgate beside its peers, on the same filtered work, in one run, on this machine.

The measuring is the shared harness's (`$LYCHGATE_SHARED/bench/run.py`, by default in `../shared`;
its docstring says how). This script prepares a Lychgate with all features on and 1,000,000 names in
its index, runs the harness, and prints the table, the ratios that count, and the snapshot swap. Run
it on a quiet machine with two cores; it takes some minutes.

  make bench                                    # Unbound and the floor
  make bench ARGS="dnsmasq pdns-recursor"       # more peers
  make bench ARGS="--workers 2 --no-swap"
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from typing import Any

import server
import swap

NAME = "lychgate"
ALWAYS = ("unbound", "floor")
PROGRAMS = {"unbound-logging": "unbound", "pdns-recursor": "pdns_recursor", "dnsmasq": "dnsmasq"}
"""What else a peer needs."""

START_SECONDS_MAX = 1.0
MEMORY_MB_MAX = 80
WARM_RATIO_MAX = 1.25
NEVER_SEEN_RATIO_MAX = 0.8


def main() -> None:
    arguments = _arguments()
    if not server.HARNESS.is_file():
        sys.exit(
            f"bench: {server.HARNESS}: not here; set LYCHGATE_SHARED to the folder of the shared "
            "material. bench/swap.py runs without it"
        )
    peers = [*ALWAYS, *(peer for peer in arguments.peers if peer not in ALWAYS)]
    if arguments.alone:
        peers = arguments.peers
    needed = ["unbound"] if set(peers) & {"unbound"} else []
    needed += [PROGRAMS[peer] for peer in peers if peer in PROGRAMS]
    server.demand("dnsperf", "gcc", "taskset", *needed)
    if (os.cpu_count() or 1) < 2:
        sys.exit("bench: one core only; the load needs one of its own")
    rows = measure(peers, arguments.domains, arguments.reps, arguments.workers)
    show(rows)
    if arguments.swap:
        print()
        swap.run(server.WORK / "lychgate" / "index.lychgate", 10.0, swap.QUERIES_PER_SECOND)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("peers", nargs="*", help=f"beside {ALWAYS}: {', '.join(PROGRAMS)}")
    parser.add_argument("--domains", type=int, default=1_000_000, help="names in the index")
    parser.add_argument("--reps", type=int, default=3, help="measurements of warm queries")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--alone", action="store_true", help="no peers but those named")
    parser.add_argument("--no-swap", dest="swap", action="store_false")
    arguments = parser.parse_args()
    unknown = set(arguments.peers) - {*ALWAYS, *PROGRAMS}
    if unknown:
        parser.error(f"peers: {', '.join(sorted(unknown))}; use {', '.join((*ALWAYS, *PROGRAMS))}")
    return arguments


def measure(peers: list[str], domains: int, reps: int, workers: int) -> list[dict[str, Any]]:
    """The harness's rows, ours first."""
    lists = server.WORK / "blocked.domains"
    if not lists.exists():
        print(f"preparing {domains:,} names in {server.WORK} (once) ...", flush=True)
        prepare = [sys.executable, str(server.HARNESS), "prepare", "--domains", str(domains)]
        subprocess.run(prepare, check=True)
    folder = server.WORK / "lychgate"
    index = folder / "index.lychgate"
    server.build_index(lists, index)
    configuration = server.write_configuration(folder, index)
    command = server.command("serve", "--config", str(configuration), "--workers", str(workers))
    print(f"measuring {NAME} {' '.join(peers)} ...", flush=True)
    done = subprocess.run(
        [
            *(sys.executable, str(server.HARNESS), "measure", "--json", "--reps", str(reps)),
            *("--server", f"{NAME}={shlex.join(command)}", "--port", str(server.PORT), *peers),
        ],
        cwd=server.ROOT,
        env={**os.environ, "PATH": os.environ["PATH"] + os.pathsep + "/usr/sbin"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"bench: the harness ended with status {done.returncode}")
    # Its helpers may write a line before the figures.
    rows: list[dict[str, Any]] = json.loads(done.stdout[done.stdout.index("[\n") :])
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """The table, as Markdown, and what it means."""
    print()
    print(
        "| server | start to first block, s | memory, MB | after load, MB | warm query, us | lost "
        "| never-seen query, us | lost |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        warm, cold = row["hit"], row["miss"]
        print(
            f"| {row['server']} | {row['start_s']:.2f} | {row['rss_mb']} | {row['rss_after_mb']} "
            f"| {warm['cpu_us']:.2f} | {warm['lost']} | {cold['cpu_us']:.2f} | {cold['lost']} |"
        )
    ours = rows[0]
    unbound = next((row for row in rows if row["server"] == "unbound"), None)
    lost = ours["hit"]["lost"] + ours["miss"]["lost"]
    lines = [
        ("start to first block", ours["start_s"], START_SECONDS_MAX, "s"),
        ("memory at start (PSS)", ours["rss_mb"], MEMORY_MB_MAX, "MB"),
        ("queries lost", lost, 0, ""),
    ]
    if unbound is not None:
        warm_ratio = ours["hit"]["cpu_us"] / unbound["hit"]["cpu_us"]
        cold_ratio = ours["miss"]["cpu_us"] / unbound["miss"]["cpu_us"]
        lines += [
            ("CPU of a warm query", warm_ratio, WARM_RATIO_MAX, "of Unbound's"),
            ("CPU of a never-seen query", cold_ratio, NEVER_SEEN_RATIO_MAX, "of Unbound's"),
        ]
    print()
    for what, found, most, unit in lines:
        verdict = "ok" if found <= most else "MISSED"
        print(f"{what:28}{found:8.2f}  (at most {most:g} {unit}".rstrip() + f")  {verdict}")


if __name__ == "__main__":
    main()
