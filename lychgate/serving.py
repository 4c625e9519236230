"""`lychgate serve`: from a configuration to running processes and an exit status.

One worker is this process itself; several are its children (`lychgate.supervising`). A fault at
start is told on standard error, every line of it, and never as a traceback. The modules that
measure are imported only when the number of workers is known: prometheus-client looks at its
environment then.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from lychgate import machine
from lychgate.config import Configuration
from lychgate.faults import ConfigurationFault
from lychgate.inheriting import DNS, InheritFault, bind_of, take_sockets
from lychgate.logs import start_logging
from lychgate.notifying import Notifier
from resolver.listeners import ListenFault

METRICS_DIRECTORY = "metrics"
"""In the state directory: where several workers keep their figures for one page."""
_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
UNNAMED: Final = ("", "unknown", "lychgate-resolver.socket")
"""Names that the service manager gives to sockets that were given none."""

DONE = 0
BAD_INPUT = 2


def serve(configuration: Configuration, workers: int | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit status. `workers` goes before the configuration."""
    workers = configuration.server.workers if workers is None else workers
    # Until the loop takes the signal over, its default would end us.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    start_logging(configuration.log)
    notifier = Notifier.take()
    try:
        handed = dns_sockets()
        # Before anything is touched: another Lychgate may be running on the same files.
        machine.check_listening(
            () if handed else machine.binds_of(configuration.server), configuration.metrics.listen
        )
        state = prepare_state(configuration)
        if workers == 1:
            os.environ.pop(_MULTIPROCESS, None)
        else:
            os.environ[_MULTIPROCESS] = str(empty_metrics(state))
        return _run(configuration, workers, handed, notifier)
    except ConfigurationFault as fault:
        return refuse(fault.faults)
    except (ListenFault, InheritFault) as fault:
        return refuse([str(fault)])


def dns_sockets() -> tuple[socket.socket, ...]:
    """The sockets that the service manager opened for DNS; they go before `server.listen`.

    Those without a name count, and those named after their unit. Raises `InheritFault`.
    """
    found = take_sockets()
    return tuple(sock for name in (DNS, *UNNAMED) for sock in found.get(name, ()))


def _run(
    configuration: Configuration,
    workers: int,
    handed: tuple[socket.socket, ...],
    notifier: Notifier,
) -> int:
    # Imported here, not above: see the module's docstring.
    import uvloop

    from lychgate.composition import compose
    from lychgate.heartbeat import Witness
    from lychgate.supervising import Supervisor
    from resolver.process import run
    from resolver.setup import SnapshotFault

    witness = Witness(notifier, workers)
    try:
        setup = compose(configuration, shared=workers > 1)
        if handed:
            binds = tuple(dict.fromkeys(bind_of(sock) for sock in handed))
            setup = replace(setup, handed=handed, binds=binds)
        if workers > 1:
            return Supervisor(setup, workers, configuration.metrics.listen, witness).run()
        uvloop.run(run(replace(setup, observer=witness)))
    except SnapshotFault as fault:
        return refuse(fault.faults)
    return DONE


def refuse(faults: Sequence[str]) -> int:
    """Say why nothing is served."""
    for line in faults:
        sys.stderr.write(f"{line}\n")
    return BAD_INPUT


def prepare_state(configuration: Configuration) -> Path:
    """The state directory, made if need be. Raises `ConfigurationFault`."""
    state = configuration.state_directory
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise ConfigurationFault(
            [
                f"{configuration.name}: server.state_directory: {state}: {fault.strerror}; "
                "use a folder that can be written"
            ]
        ) from None
    return state


def empty_metrics(state: Path) -> Path:
    """The folder for the workers' figures, without those of workers long gone."""
    folder = state / METRICS_DIRECTORY
    try:
        folder.mkdir(exist_ok=True)
        for file in folder.glob("*.db"):
            file.unlink()
    except OSError as fault:
        raise ConfigurationFault(
            [f"{folder}: {fault.strerror}; use a state_directory that can be written"]
        ) from None
    return folder
