"""Heavy work on lists, each piece in a process of its own, so that nobody's query waits for it.

`run_job` starts ``python -m blocklists.working JOB`` with the job's arguments as JSON on its
standard input, and reads the result as JSON from its standard output. The child is the first to
give way: lowest priority for the processor (which is also the lowest for the disk), first choice of
the kernel when memory runs out, a bound on its memory and on its time. It ends with its parent.
Whatever happens to it, the caller gets a result or a `JobFault` that says what happened, and what
was published before is as it was: publishing is the last step of a job, in one rename.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

import msgspec

if TYPE_CHECKING:  # the parent needs the names only; a child imports what its job needs
    from blocklists.compiling import CompileReport, Part
    from blocklists.reading import Reading
    from blocklists.sources import Source

RESULT_OCTETS_MAX: Final = 8 << 20  # the largest real one, a reading of v2fly's dump, has 40 KB
WORDS_OCTETS_MAX: Final = 4000  # of what a child that fell over said last
NICENESS: Final = 19
_OOM_SCORE: Final = "1000"  # 1000: the kernel takes this process first
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_MEGABYTE: Final = 1_000_000
_MAPPING_FAILED: Final = "failed to map"  # dlopen's words for lack of memory
_MARISA_MEMORY: Final = "MARISA_MEMORY_ERROR"

T = TypeVar("T")
Job = Callable[[Mapping[str, Any]], dict[str, Any]]


class JobFault(Exception):
    """A job gave no result; `faults` has every reason, each *where: what was given; what is
    allowed*.

    `cause` is the word for what happened: ``content`` (the job refused what it was given),
    ``memory``, ``space``, ``time``, ``signal`` or ``internal``. All but the first are trouble of
    this machine and say nothing about a list. `words` is what the child said last: for whoever
    looks for a fault of ours, a traceback.
    """

    def __init__(self, faults: Sequence[str], cause: str, words: str = "") -> None:
        super().__init__("\n".join(faults))
        self.faults = list(faults)
        self.cause = cause
        self.words = words


def read_in_child(
    raw: Path,
    source: Source,
    out: Path,
    *,
    at: float,
    previous: Path | None,
    octets_max: int,
    memory_octets_max: int,
    seconds_max: float,
) -> Reading:
    """`blocklists.reading.read_list` in a child, with the protected names that ship. Raises
    `JobFault`.
    """
    from blocklists.reading import Reading

    payload = {
        "raw": str(raw),
        "source": written(source),
        "out": str(out),
        "at": at,
        "previous": None if previous is None else str(previous),
        "octets_max": octets_max,
    }
    result = run_job("read", payload, memory_octets_max=memory_octets_max, seconds_max=seconds_max)
    return restored(result, Reading)


def compile_in_child(
    parts: Sequence[Part], out: Path, *, at: float, memory_octets_max: int, seconds_max: float
) -> CompileReport:
    """`blocklists.compiling.compile_sheets` in a child, one at a time for each `out`. Raises
    `JobFault`; then `out` is as it was.
    """
    from blocklists.compiling import CompileReport

    payload = {"parts": [written(part) for part in parts], "out": str(out), "at": at}
    try:
        result = run_job(
            "compile", payload, memory_octets_max=memory_octets_max, seconds_max=seconds_max
        )
    except JobFault:
        for leftover in out.parent.glob(f".{out.name}.*.part"):  # a killed child tidies nothing up
            leftover.unlink(missing_ok=True)
        raise
    return restored(result, CompileReport)


def run_job(
    job: str, payload: Mapping[str, Any], *, memory_octets_max: int, seconds_max: float
) -> dict[str, Any]:
    """The result of a job, done in a child. Raises `JobFault`.

    `memory_octets_max` bounds the child's address space (RLIMIT_AS), which is larger than what it
    really uses: Python with our libraries begins at 36 to 44 MB, and mapped files count.
    """
    if job not in _JOBS:
        raise JobFault([f"job: {job!r}; allowed are {', '.join(_JOBS)}"], "internal")
    # Memory files, not pipes: nobody waits for the other to read, and a full disk is no fault.
    with _scratch("payload") as given, _scratch("result") as answered, _scratch("words") as said:
        given.write(json.dumps(payload).encode("ascii"))
        given.seek(0)
        command = _command(job, memory_octets_max)
        status = _run(command, given, answered, said, seconds_max=seconds_max)
        answered.seek(0)
        octets = answered.read(RESULT_OCTETS_MAX + 1)
        said.seek(max(0, said.seek(0, os.SEEK_END) - WORDS_OCTETS_MAX))
        words = said.read().decode("utf-8", errors="replace").strip()
    if status is None:
        fault = f"{job}: not done after {seconds_max:g} s, and ended"
        bound = f"lists.work_seconds_max allows {seconds_max:g}"
        raise JobFault([f"{fault}; {bound}"], "time", words)
    if status < 0:
        raise JobFault([_signal_fault(job, -status, memory_octets_max)], "signal", words)
    try:
        answer = json.loads(octets)
        if "faults" in answer:
            raise JobFault(answer["faults"], answer["cause"], words)
        result: dict[str, Any] = answer["result"]
    except (ValueError, TypeError, KeyError):
        lines = words.splitlines() or ["it said nothing"]
        faults = [f"{job}: ended with status {status} and no result ({lines[-1]}); one is needed"]
        raise JobFault(faults, "internal", words) from None
    return result


def written(record: object) -> dict[str, Any]:
    """A dataclass as what JSON can say; paths become texts."""
    document: dict[str, Any] = msgspec.to_builtins(record, enc_hook=str)
    return document


def restored(document: object, kind: type[T]) -> T:
    """What `written` wrote, as a `kind` again. Raises `msgspec.ValidationError`."""
    return msgspec.convert(document, kind, dec_hook=_made)


def main(arguments: Sequence[str]) -> int:
    """The child. `arguments`: job, most octets of memory, process id of the parent."""
    job, memory_octets_max, parent = arguments[0], int(arguments[1]), int(arguments[2])
    _end_with(parent)
    _give_way(memory_octets_max)
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what a library prints must not get into the result
        out.write(_answer(job, json.load(sys.stdin.buffer), memory_octets_max))
    return 0


def _made(kind: type[Any], value: Any) -> Any:
    return kind(value)  # of what we write, only paths are not JSON


def _command(job: str, memory_octets_max: int) -> list[str]:
    # -P: the folder we happen to stand in is no place to import from.
    place = [sys.executable, "-P", "-m", "blocklists.working"]
    return [*place, job, str(memory_octets_max), str(os.getpid())]


def _run(
    command: list[str], given: BinaryIO, answered: BinaryIO, said: BinaryIO, *, seconds_max: float
) -> int | None:
    """Its exit status, negative for a signal; None: it took too long and was ended."""
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(
        command,
        stdin=given,
        stdout=answered,
        stderr=said,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        start_new_session=True,  # the group to kill; and Ctrl-C is the parent's to handle
    )
    try:
        return process.wait(seconds_max)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.returncode is None:  # too slow, or the parent was interrupted
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _scratch(name: str) -> BinaryIO:
    return os.fdopen(os.memfd_create(f"lychgate-{name}"), "w+b")


def _signal_fault(job: str, number: int, memory_octets_max: int) -> str:
    try:
        word = signal.Signals(number).name
    except ValueError:
        word = "unknown"
    if number == signal.SIGKILL:
        return (
            f"{job}: killed by signal 9 (SIGKILL): by a person, or by the kernel because the "
            "machine is out of memory; what was there before stays in use"
        )
    return (
        f"{job}: ended by signal {number} ({word}), which lack of memory may cause; "
        f"lists.memory_megabytes_max allows {memory_octets_max // _MEGABYTE}"
    )


def _end_with(parent: int) -> None:
    """Be killed when the thread that started us ends, however it ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def _give_way(memory_octets_max: int) -> None:
    with suppress(OSError):  # a sandbox may forbid either
        # Linux takes the priority for the disk from niceness: no need for ioprio_set.
        os.nice(NICENESS)
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core of 350 MB helps nobody
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    bounds = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    most = min([memory_octets_max, *bounds])
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _answer(job: str, payload: Mapping[str, Any], memory_octets_max: int) -> bytes:
    """The result or the faults, as JSON."""
    try:
        octets = json.dumps({"result": _JOBS[job](payload)}).encode("ascii")
        if len(octets) <= RESULT_OCTETS_MAX:
            return octets
        faults = [f"{job}: a result of {len(octets)} octets; allowed are {RESULT_OCTETS_MAX}"]
        cause = "internal"
    except Exception as fault:  # everything: the parent must hear of it in words
        faults, cause = _faults_of(job, fault, memory_octets_max)
        if cause == "internal":
            sys.excepthook(type(fault), fault, fault.__traceback__)
    return json.dumps({"faults": faults, "cause": cause}).encode("ascii")


def _faults_of(job: str, fault: BaseException, memory_octets_max: int) -> tuple[list[str], str]:
    if _lacks_memory(fault):
        fault.__traceback__ = None  # it holds all that the job had in memory
        megabytes = memory_octets_max // _MEGABYTE
        needs = f"{job}: needs more than {megabytes} MB"
        return [f"{needs}; lists.memory_megabytes_max allows {megabytes}"], "memory"
    if isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT):
        where = fault.filename or job
        return [f"{where}: the disk is full ({fault.strerror}); free space is needed"], "space"
    if isinstance(given := getattr(fault, "faults", None), (list, tuple)):
        behind = fault.__cause__
        _, cause = _faults_of(job, behind, memory_octets_max) if behind else ((), "content")
        return [str(text) for text in given], cause
    if isinstance(fault, OSError):
        where = fault.filename or job
        return [f"{where}: {fault.strerror or fault}; files that we may use are needed"], "internal"
    return [f"{job}: {type(fault).__name__}: {fault}; this is a fault of Lychgate"], "internal"


def _lacks_memory(fault: BaseException) -> bool:
    return (
        isinstance(fault, MemoryError)
        or (isinstance(fault, OSError) and fault.errno == errno.ENOMEM)
        or (isinstance(fault, ImportError) and _MAPPING_FAILED in str(fault))
        or (isinstance(fault, RuntimeError) and _MARISA_MEMORY in str(fault))
    )


def _read(payload: Mapping[str, Any]) -> dict[str, Any]:
    from blocklists import protection
    from blocklists.reading import read_list
    from blocklists.sources import Source

    previous = payload["previous"]
    return written(
        read_list(
            Path(payload["raw"]),
            restored(payload["source"], Source),
            Path(payload["out"]),
            at=payload["at"],
            previous=None if previous is None else Path(previous),
            protected=protection.load(),
            octets_max=payload["octets_max"],
        )
    )


def _compile(payload: Mapping[str, Any]) -> dict[str, Any]:
    from blocklists.compiling import Part, compile_sheets

    parts = restored(payload["parts"], list[Part])
    return written(compile_sheets(parts, Path(payload["out"]), at=payload["at"]))


_JOBS: Final[Mapping[str, Job]] = {"read": _read, "compile": _compile}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
