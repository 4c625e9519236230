"""HTML to PDF by WeasyPrint, in a process of its own: it takes seconds, and nobody's page waits.

`print_pdf` starts ``python -m portal.reporting.printing``, which reads HTML from its standard input
and writes PDF to its standard output. It fetches nothing, has bounds of time and memory, and gives
way to everything else. WeasyPrint comes with the extra `report`, and needs Debian's pango.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import Final

SECONDS_MAX: Final = 180.0
MEMORY_OCTETS_MAX: Final = 2 << 30
"""Of addresses, of which it uses about a tenth."""
NICENESS: Final = 10
WORDS_CHARACTERS_MAX: Final = 300
_LIBRARY: Final = "libpangoft2-1.0.so.0"
"""WeasyPrint loads it, and what it needs itself, when it is imported."""
_UNUSABLE: Final = 3
"""Exit status: WeasyPrint, or a library of the system that it needs, is not there."""
REMEDY: Final = (
    "pip install 'lychgate[report]' in the environment of Lychgate, and on Debian "
    "apt-get install libpango-1.0-0 libpangoft2-1.0-0"
)


class PrintFault(Exception):
    """No PDF was made: *where: what is wrong; what to do*."""


class NoPrinter(PrintFault):
    """What makes PDFs is not installed."""


def what_is_missing() -> str:
    """What printing needs and is not installed, with the remedy; empty when all is there."""
    if find_spec("weasyprint") is None:
        return f"pdf: WeasyPrint is not installed; {REMEDY}"
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return f"pdf: {_LIBRARY} is not installed; {REMEDY}"
    return ""


async def print_pdf(html: str) -> bytes:
    """The pages as PDF/UA, which screen readers can read. Raises `PrintFault`."""
    if missing := what_is_missing():
        raise NoPrinter(missing)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, said = await asyncio.wait_for(child.communicate(html.encode()), SECONDS_MAX)
    except TimeoutError:
        raise PrintFault(
            f"pdf: not done after {SECONDS_MAX:.0f} s; choose a shorter period, or HTML"
        ) from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    # The last line of a traceback says what it was.
    words = said.decode(errors="replace").strip().rpartition("\n")[2][:WORDS_CHARACTERS_MAX]
    if child.returncode == _UNUSABLE:
        raise NoPrinter(f"pdf: WeasyPrint cannot be used: {words}; {REMEDY}")
    if child.returncode or not out.startswith(b"%PDF-"):
        raise PrintFault(f"pdf: exit status {child.returncode}: {words}; choose HTML")
    return out


def main() -> int:
    """The child: HTML in, PDF out; the exit status."""
    with suppress(OSError, ValueError):  # in the sandbox of a service limits are set already
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_OCTETS_MAX, MEMORY_OCTETS_MAX))
        os.nice(NICENESS)
    try:
        import weasyprint
    except (ImportError, OSError) as fault:
        sys.stderr.write(" ".join(str(fault).split())[:WORDS_CHARACTERS_MAX])
        return _UNUSABLE
    html = sys.stdin.buffer.read().decode()
    fetches_nothing = weasyprint.urls.URLFetcher(allowed_protocols=())
    document = weasyprint.HTML(string=html, url_fetcher=fetches_nothing)
    sys.stdout.buffer.write(document.write_pdf(pdf_variant="pdf/ua-1"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
