#!/usr/bin/env python3
"""What lists cost: reading them, compiling an index, looking names up, and a refresh of nothing.

Reading is measured over all lists of a folder. Compiling is measured over 1,000,000 different
names: those lists without their repeats, cut there, or filled up with made-up names, always the
same ones. Each step runs in a process of its own, so that its memory is its own; memory is the
greatest resident size that the kernel saw. Prints a Markdown table.

  .venv/bin/python bench/lists.py [FOLDER of lists] [--names 1000000] [--reps 3]
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import server

sys.path.insert(0, str(server.ROOT))

NAMES = 1_000_000
LOOKUPS = 200_000
OCTETS_MAX = 1 << 31
LINES_PER_SECOND_MIN = 400_000
COMPILE_SECONDS_MAX = 15.0
COMPILE_MB_MAX = 350.0
INDEX_MB_PER_MILLION_MAX = 12.0
LOOKUP_US_MAX = 3.0
_AT = 1_800_000_000.0
_SEED = 7


def main() -> None:
    arguments = _arguments()
    if arguments.step:
        print(json.dumps(STEPS[arguments.step](arguments.folder, arguments.work)))
        return
    if not arguments.folder.is_dir() or not any(_lists(arguments.folder)):
        sys.exit(f"bench: {arguments.folder}: no lists; a folder of *.txt files is needed")
    with tempfile.TemporaryDirectory(prefix="lists-") as folder:
        work = Path(folder)
        made = make_names(arguments.folder, work / "names", arguments.names)
        show(arguments.folder, work, arguments.reps, made)


def show(lists: Path, work: Path, reps: int, made: str) -> None:
    """Measure, and print the table."""
    parse = best(reps, "parse", lists, work)
    read = best(reps, "read", lists, work)
    names = work / "names"
    whole_read = best(reps, "read", names, work)
    compiled = best(reps, "compile", names, work)
    found = best(reps, "lookup", names, work)
    shared = _pss(names, work)
    idle = best(reps, "refresh", names, work)
    millions = compiled["stored"] / 1e6
    rows = [
        (
            "parse all lists (`formats.read`)",
            f"{parse['lines'] / parse['seconds']:,.0f} lines/s",
            f">= {LINES_PER_SECOND_MIN:,}",
        ),
        (
            "read all lists (with guard, sorting, sheets)",
            f"{read['lines'] / read['seconds']:,.0f} lines/s, {read['mb']:.0f} MB",
            "",
        ),
        (
            f"compile {compiled['names']:,} names from sheets",
            f"{compiled['seconds']:.1f} s, {compiled['mb']:.0f} MB",
            f"<= {COMPILE_SECONDS_MAX:.0f} s, {COMPILE_MB_MAX:.0f} MB",
        ),
        (
            "read and compile the same",
            f"{whole_read['seconds'] + compiled['seconds']:.1f} s, "
            f"{max(whole_read['mb'], compiled['mb']):.0f} MB",
            f"<= {COMPILE_SECONDS_MAX:.0f} s, {COMPILE_MB_MAX:.0f} MB",
        ),
        (
            f"index of the {compiled['stored']:,} that are not redundant",
            f"{compiled['octets'] / 1e6 / millions:.1f} MB per million",
            f"<= {INDEX_MB_PER_MILLION_MAX:.0f} MB",
        ),
        (
            "look-up of a listed name, of one below it, of an unlisted one",
            f"{found['hit']:.2f}, {found['below']:.2f}, {found['miss']:.2f} us",
            f"<= {LOOKUP_US_MAX:.0f} us",
        ),
        (
            "the index in two processes that use it",
            f"{shared['rss']:.1f} MB seen, {shared['pss']:.1f} MB its share, in each",
            "shared",
        ),
        (
            f"refresh of {idle['sources']} sources, nothing changed",
            f"{idle['seconds'] * 1000:.0f} ms, {idle['written']} files written",
            "no work",
        ),
    ]
    print(f"{parse['files']} lists, {parse['lines']:,} lines; {made}; best of {reps}\n")
    print("| step | measured | demanded |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def best(reps: int, step: str, folder: Path, work: Path) -> dict[str, Any]:
    """The quickest of some runs of a step, each in a new process."""
    runs = [_run(step, folder, work) for _ in range(reps)]
    return min(runs, key=lambda run: float(run["seconds"]))


def make_names(lists: Path, out: Path, wanted: int) -> str:
    """`wanted` different names as plain lists in `out`, one for each list that gave some; says how
    many are real.
    """
    from blocklists import formats, suffixes
    from blocklists.entries import Entry

    out.mkdir()
    guard = suffixes.SuffixGuard()
    seen: set[str] = set()
    for path in _lists(lists):
        given = []
        for item in _entries(path, formats.read):
            if not isinstance(item, Entry) or item.allow or guard.fault(item.name, "domain"):
                continue
            if item.name in seen or len(seen) < wanted:
                seen.add(item.name)
                given.append(item.name)
        if given:
            (out / path.name).write_text("\n".join(given) + "\n", encoding="ascii")
    real = len(seen)
    if real < wanted:
        chance = random.Random(_SEED)
        letters = "abcdefghijklmnopqrstuvwxyz"
        made: set[str] = set()
        while len(seen) + len(made) < wanted:
            name = "".join(chance.choices(letters, k=chance.randint(6, 18)))
            made.update({f"{name}.{chance.choice(['com', 'net'])}"} - seen)
        (out / "made-up.txt").write_text("\n".join(sorted(made)) + "\n", encoding="ascii")
    return f"{wanted:,} different names, {real:,} of them real"


def _parse(lists: Path, work: Path) -> dict[str, Any]:
    from blocklists import formats

    files = list(_lists(lists))
    began = time.process_time()
    for path in files:
        for _ in _entries(path, formats.read):
            pass
    seconds = time.process_time() - began
    lines = sum(path.read_bytes().count(b"\n") for path in files)
    return {"seconds": seconds, "lines": lines, "files": len(files)}


def _read(lists: Path, work: Path) -> dict[str, Any]:
    from blocklists import protection
    from blocklists.reading import read_list
    from blocklists.sources import Source

    protected = protection.load()
    seconds = 0.0
    lines = 0
    for number, path in enumerate(_lists(lists)):
        out = work / f"sheets-{lists.name}" / str(number)
        out.mkdir(parents=True, exist_ok=True)
        source = Source(f"bench:{number}", path.name, "bench", {"": "adult"})
        began = time.perf_counter()
        reading = read_list(
            path,
            source,
            out,
            at=_AT,
            previous=None,
            protected=protected,
            octets_max=OCTETS_MAX,
        )
        seconds += time.perf_counter() - began
        lines += reading.lines
    return {"seconds": seconds, "lines": lines, "mb": _peak_mb()}


def _compile(lists: Path, work: Path) -> dict[str, Any]:
    from blocklists.compiling import Part, compile_sheets

    folder = work / f"sheets-{lists.name}"
    parts = []
    for sheet in sorted(folder.glob("*/adult.entries"), key=lambda sheet: int(sheet.parent.name)):
        allows = sheet.with_suffix(".allows")
        parts.append(
            Part(
                f"bench:{sheet.parent.name}",
                sheet.parent.name,
                "adult",
                "",
                sheet,
                allows if allows.exists() else None,
                _AT,
            )
        )
    began = time.perf_counter()
    report = compile_sheets(parts, work / "index.lychgate", at=_AT)
    seconds = time.perf_counter() - began
    return {
        "seconds": seconds,
        "names": report.names + report.dropped,
        "stored": report.names,
        "octets": report.octets,
        "mb": _peak_mb(),
    }


def _lookup(lists: Path, work: Path) -> dict[str, Any]:
    from categoriser.indexfile import open_index

    table = open_index(work / "index.lychgate")
    return _timed(table, lists)


def _timed(table: Any, lists: Path) -> dict[str, Any]:
    from categoriser.names import from_text, spell

    chance = random.Random(_SEED)
    listed = chance.sample(
        [line for path in _lists(lists) for line in path.read_text().splitlines()], LOOKUPS
    )
    asked = {
        "hit": listed,
        "below": [f"www.{name}" for name in listed],
        "miss": [f"miss-{n}.{name.partition('.')[2]}" for n, name in enumerate(listed)],
    }
    gc.disable()  # as in the server
    answer: dict[str, Any] = {}
    for kind, names in asked.items():
        spellings = [spell(from_text(name)) for name in names]
        find = table.find
        rounds = []
        for _ in range(4):  # the first brings the pages in
            began = time.perf_counter()
            for spelling in spellings:
                find(spelling)
            rounds.append(time.perf_counter() - began)
        answer[kind] = min(rounds) / len(spellings) * 1e6
    return {"seconds": answer["hit"], **answer}


def _share(lists: Path, work: Path) -> dict[str, Any]:
    """Use the index; wait until the other process does too; then say what the map takes."""
    from categoriser.indexfile import open_index

    table = open_index(work / "index.lychgate")
    _timed(table, lists)
    print("ready", flush=True)
    sys.stdin.readline()
    figures = {"Rss": 0, "Pss": 0}
    inside = False
    for line in Path("/proc/self/smaps").read_text(encoding="ascii").splitlines():
        word, _, rest = line.partition(" ")
        if not word.endswith(":"):
            inside = line.endswith("index.lychgate")
        elif inside and word[:-1] in figures:
            figures[word[:-1]] += int(rest.split()[0])
    print(json.dumps({"rss": figures["Rss"] / 1000, "pss": figures["Pss"] / 1000}), flush=True)
    sys.stdin.readline()  # the end of one would leave the whole map to the other
    return {"names": len(table)}


def _refresh(lists: Path, work: Path) -> dict[str, Any]:
    """All lists as files that nobody has touched since the refresh before."""
    from blocklists import protection
    from blocklists.fetching import Fetcher, FetchSettings
    from blocklists.reading import read_list
    from blocklists.refreshing import refresh
    from blocklists.sources import Source

    root = work / "state"
    root.mkdir(exist_ok=True)
    sources = [
        Source(
            f"bench:{number}",
            path.name,
            "bench",
            {"": "adult"},
            file=str(path),
            enabled=True,
        )
        for number, path in enumerate(_lists(lists))
    ]
    read = partial(read_list, protected=protection.load(), octets_max=OCTETS_MAX)
    fetcher = Fetcher(FetchSettings(), None)
    hour = 3600.0
    again = partial(
        refresh,
        sources,
        root,
        fetcher=fetcher,
        read=read,
        random=lambda: 0.5,
        octets_max=OCTETS_MAX,
    )
    again(at=_AT)
    before = _stamps(root)
    began = time.perf_counter()
    again(at=_AT + hour)
    seconds = time.perf_counter() - began
    after = _stamps(root)
    written = sum(after[path] != before.get(path) for path in after)
    return {"seconds": seconds, "sources": len(sources), "written": written}


STEPS: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
    "parse": _parse,
    "read": _read,
    "compile": _compile,
    "lookup": _lookup,
    "share": _share,
    "refresh": _refresh,
}


def _pss(lists: Path, work: Path) -> dict[str, float]:
    command = _command("share", lists, work)
    pipe = subprocess.PIPE
    both = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for process in both:
        assert process.stdout is not None
        process.stdout.readline()
    answers = []
    for process in both:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        answers.append(json.loads(process.stdout.readline()))
    for process in both:
        process.communicate("\n")
    return {key: max(answer[key] for answer in answers) for key in ("rss", "pss")}


def _run(step: str, folder: Path, work: Path) -> dict[str, Any]:
    done = subprocess.run(_command(step, folder, work), stdout=subprocess.PIPE, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _command(step: str, folder: Path, work: Path) -> list[str]:
    return [sys.executable, __file__, str(folder), "--step", step, "--work", str(work)]


def _lists(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.glob("*.txt")))


def _entries(path: Path, read: Callable[..., Iterator[Any]]) -> Iterator[Any]:
    from blocklists import formats
    from blocklists.unpacking import opened

    with opened(path, OCTETS_MAX) as file:
        word = formats.detect(file.read(formats.HEAD_OCTETS))
    with opened(path, OCTETS_MAX) as file:
        yield from read(file, word)


def _stamps(root: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file() and path.name != ".lock"  # it says who is at work
    }


def _peak_mb() -> float:
    """The greatest resident size. Not from getrusage, which begins with what the parent had."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024 / 1e6


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what lists cost.")
    parser.add_argument("folder", nargs="?", type=Path, default=server.SHARED / "lists")
    parser.add_argument("--names", type=int, default=NAMES)
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--step", choices=sorted(STEPS), help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
