"""What every command about lists needs: the lists, and their refusals in lines."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lychgate.commands.options import load, refuse

if TYPE_CHECKING:
    from lychgate.listing import Listing
    from policy.commands.subscriptions import Act

Id = Annotated[str, typer.Argument(metavar="ID", help="The list, as in ut1:gambling.")]


def open_listing(config: Path | None) -> Listing:
    """The lists of a configuration."""
    from lychgate.listing import Listing

    return Listing(load(config))


def require_known(listing: Listing, word: str) -> None:
    """Raises `blocklists.sources.SourceFault` for a list that is none."""
    from blocklists.sources import SourceFault, unknown

    if word not in listing.sources:
        raise SourceFault([unknown(word, listing.sources)])


@contextmanager
def telling_faults() -> Iterator[None]:
    """Whatever the rooms refuse, in lines on standard error."""
    from blocklists.exporting import ExportFault
    from blocklists.reading import ReadFault
    from blocklists.refreshing import RefreshFault
    from blocklists.sheets import SheetFault
    from blocklists.sources import SourceFault
    from blocklists.working import JobFault
    from blocklists.writing import KeepFault
    from categoriser.names import NameFault

    try:
        yield
    except (SourceFault, RefreshFault, JobFault, ExportFault, ReadFault) as fault:
        refuse(fault.faults)
    except (KeepFault, NameFault, SheetFault) as fault:
        refuse([str(fault)])
    except OSError as fault:
        if fault.errno == errno.EPIPE:
            raise  # whoever reads has seen enough, as `head` does; typer ends quietly
        where = fault.filename or "a file"
        refuse([f"{where}: {fault.strerror}; a place that can be read and written"])


def enact(
    config: Path | None,
    act: Act,
    lists: Sequence[str],
    do: Callable[[], object],
    *,
    reason: str = "",
    person: str | None = None,
) -> None:
    """Do something to lists; with an entry in the audit log, and by whoever may, where there is a
    store.
    """
    configuration = load(config)
    file = configuration.store_file
    if file is not None and not file.exists():
        if person is not None:
            refuse([f"--as {person}: there is no store yet; `lychgate store create` makes one"])
        do()
        return
    from lychgate.commands import deciding
    from lychgate.office import Office
    from policy.commands.subscriptions import ChangeLists

    with deciding.telling_faults():
        office = Office(configuration)
        office.perform(ChangeLists(act, lists, do, reason), person=person, at=time.time())
