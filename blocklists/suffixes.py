"""Names under which others register: they must never become a block of everything below.

One real list held ``com``, ``net`` and ``tax``: with suffix meaning it blocked 59,547 of the
100,000 most visited sites. The Public Suffix List comes with the `publicsuffixlist` package;
nothing is downloaded.
"""

from __future__ import annotations

from publicsuffixlist import PublicSuffixList

from blocklists.entries import PRIVATE_SUFFIX, PUBLIC_SUFFIX, SINGLE_LABEL
from categoriser.names import to_text


class SuffixGuard:
    """Says why an entry is too wide. Slow to build: keep one for a whole compilation."""

    def __init__(self) -> None:
        self._all = PublicSuffixList()
        self._icann = PublicSuffixList(only_icann=True)

    def fault(self, name: bytes, exact: bool = False) -> str | None:
        """The reason to reject an entry, None if it may stand. `name` is wire form.

        An exact entry (``=blogspot.com``) blocks nobody else, so a suffix may be listed that way; a
        single label may not, whatever it was meant to be: it is usually a word that lost its ending
        (``snapchat-com``).
        """
        if name[0] == 0 or name[1 + name[0]] == 0:
            return SINGLE_LABEL
        if exact:
            return None
        text = to_text(name)
        if not self._all.is_public(text):
            return None
        return PUBLIC_SUFFIX if self._icann.is_public(text) else PRIVATE_SUFFIX
