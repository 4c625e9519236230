"""Opens what came out of an archive as a resolver and the portal would: an archive that nobody has
opened is a hope, not a backup.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from lychgate.archiving import ArchiveFault
from lychgate.archiving.contents import CONFIG, DUMP, STATE, TELEMETRY
from lychgate.archiving.databases import check_dump, is_sqlite
from lychgate.archiving.manifest import Manifest
from lychgate.config import Configuration, load
from lychgate.faults import ConfigurationFault
from lychgate.office import Office
from policy.commands.journal import verify_journal
from policy.document import PolicyFault
from policy.store import Store, StoreFault
from policy.store.migrating import upgrade
from policy.store.migrations import HEAD


def try_out(made: Manifest, folder: Path, configuration: Configuration) -> tuple[str, ...]:
    """Raise `ArchiveFault` unless everything in `folder` can be opened; what is wrong inside, which
    was wrong before it was copied, comes back in words.

    A store of an older version is brought to this one there, as it would be in earnest.
    """
    found: list[str] = []
    config = folder / CONFIG
    if config.exists():
        try:
            load(config)
        except ConfigurationFault as fault:
            found.append(_unusable("lychgate.toml", fault.faults))
    store = folder / STATE / "state.db"
    if made.store == "sqlite":
        if not store.exists():
            raise ArchiveFault("the store is not in the archive; try again")
        found += _try_store(made, store, configuration)
    elif made.store == "postgresql":
        check_dump(folder / DUMP)
    telemetry = folder / STATE / TELEMETRY
    if telemetry.exists() and not is_sqlite(telemetry):
        raise ArchiveFault(f"{TELEMETRY} in the archive is no database")
    return tuple(found)


def _try_store(made: Manifest, store: Path, configuration: Configuration) -> list[str]:
    url = f"sqlite+aiosqlite:///{store}"

    async def read() -> tuple[dict[str, object], str]:
        if made.store_version != HEAD:
            await upgrade(url)
        opened = await Store.open(url)
        try:
            raw = (await opened.document()).raw
            async with opened.reading() as connection:
                verdict = await verify_journal(connection)
        finally:
            await opened.close()
        broken = verdict.broken
        return dict(raw), "" if broken is None else f"entry {broken.number}: {broken.why}"

    try:
        raw, broken = asyncio.run(read())
    except StoreFault as fault:
        raise ArchiveFault(f"the store in the archive cannot be opened: {fault}") from None
    found = [f"the audit log is broken: {broken}"] if broken else []
    try:
        Office(configuration).build(raw)
    except PolicyFault as fault:
        found.append(_unusable("the policy in the store", fault.faults))
    return found


def _unusable(what: str, faults: Sequence[str]) -> str:
    more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
    return f"{what} cannot be used: {faults[0]}{more}"
