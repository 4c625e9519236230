"""What every command about lists needs: the lists, and their refusals in lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lychgate.commands.options import load, refuse

if TYPE_CHECKING:
    from lychgate.listing import Listing

Id = Annotated[str, typer.Argument(metavar="ID", help="The list, as in ut1:gambling.")]


def open_listing(config: Path | None) -> Listing:
    """The lists of a configuration."""
    from lychgate.listing import Listing

    return Listing(load(config))


def require_known(listing: Listing, word: str) -> None:
    """Raises `blocklists.sources.SourceFault` for a list that is none."""
    from difflib import get_close_matches

    from blocklists.sources import SourceFault

    if word not in listing.sources:
        near = ", ".join(get_close_matches(word, listing.sources, n=3))
        hint = f"did you mean {near}?" if near else "`lychgate lists sources` shows all"
        raise SourceFault([f"source {word!r}: not known; {hint}"])


@contextmanager
def telling_faults() -> Iterator[None]:
    """Whatever the rooms refuse, in lines on standard error."""
    from blocklists.exporting import ExportFault
    from blocklists.journal import KeepFault
    from blocklists.reading import ReadFault
    from blocklists.refreshing import RefreshFault
    from blocklists.sheets import SheetFault
    from blocklists.sources import SourceFault
    from blocklists.working import JobFault
    from categoriser.names import NameFault

    try:
        yield
    except (SourceFault, RefreshFault, JobFault, ExportFault, ReadFault) as fault:
        refuse(fault.faults)
    except (KeepFault, NameFault, SheetFault) as fault:
        refuse([str(fault)])
    except OSError as fault:
        refuse([f"{fault.filename}: {fault.strerror}; a place that can be read and written"])
