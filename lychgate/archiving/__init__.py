"""Copies of an installation in one file each: made while it runs, tried out, kept for a while, and
put back.

`manifest` says what is in an archive; `packing` makes one and `unpacking` opens one, trusting
nothing in it; `trying` opens what came out as a resolver would; `restoring` puts it in place;
`rotation` says which to keep. `migrating` is a change of version with a way back.
"""

from __future__ import annotations


class ArchiveFault(Exception):
    """An archive could not be made, opened or put back; nothing was changed.

    Reads *where: what is wrong; what to do*.
    """
