"""`lychgate record`: from a configuration to a running recorder and an exit status.

The recorder's composition root: what its duties need from outside is handed in here (`given_to`).
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from categoriser import taxonomy
from evidence.checks.settings import CheckSettings
from evidence.measuring import MeasuringSettings
from evidence.recorder import Recorder, RecorderSettings
from evidence.retention import Retention
from lychgate.config import Configuration
from lychgate.faults import ConfigurationFault
from lychgate.heartbeat import Pulse
from lychgate.logs import start_logging
from lychgate.notice_settings import alert_settings, notice_settings
from lychgate.notifying import Notifier
from lychgate.serving import BAD_INPUT, DONE, prepare_state

FINDING = 1


def record(configuration: Configuration, *, once: bool = False) -> int:
    """Record until SIGTERM or SIGINT, or `once`; the exit status."""
    start_logging(configuration.log)
    notifier = Notifier.take()
    try:
        settings = recorder_settings(configuration)
        prepare_state(configuration)
    except ConfigurationFault as fault:
        for line in fault.faults:
            sys.stderr.write(f"{line}\n")
        return BAD_INPUT
    return asyncio.run(_record(settings, once, notifier))


def recorder_settings(configuration: Configuration) -> RecorderSettings:
    """What a recorder needs. Raises `ConfigurationFault` when telemetry is off."""
    chosen, spool = configuration.telemetry, configuration.spool_directory
    if spool is None:
        where = f"{configuration.name}: telemetry.enabled"
        raise ConfigurationFault([f"{where}: false, so there is nothing to record; set it to true"])
    return RecorderSettings(
        spool=spool,
        url=configuration.telemetry_url,
        file=configuration.telemetry_file,
        standing=configuration.recorder_file,
        state_directory=configuration.state_directory,
        decisions_url=configuration.store_url,
        retention=Retention(
            chosen.detail_days,
            chosen.safeguarding_days,
            chosen.minute_days,
            chosen.hour_days,
            chosen.day_days,
        ),
        pseudonym_days=chosen.pseudonym_days,
        has_duties=chosen.duties,
        given=given_to(configuration),
    )


def given_to(configuration: Configuration) -> Mapping[str, Any]:
    """What single duties need from outside, by a name of theirs."""
    folder = Path() if configuration.file is None else configuration.file.parent
    return {
        "alerts": alert_settings(configuration.alerts),
        "notices": notice_settings(configuration.notices, folder, configuration.portal.public_url),
        "outward": configuration.outward_settings,
        "checks": CheckSettings(configuration.checks.keep_days),
        "measuring": MeasuringSettings(
            configuration.metrics.candidates, configuration.metrics.candidate_devices_min
        ),
    }


async def _record(settings: RecorderSettings, once: bool, notifier: Notifier) -> int:
    recorder = Recorder(settings, taxonomy.load(), time.time)
    if once:
        return DONE if await recorder.once() else FINDING
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    pulse = Pulse(notifier, lambda: _how(recorder))
    try:
        await recorder.run(stop, pulse.beat)
    finally:
        notifier.stopping()
    return DONE


def _how(recorder: Recorder) -> str:
    """For `systemctl status`."""
    problems = recorder.standing.problems
    return f"{len(problems)} to look at: {problems[0]}" if problems else "recording"
