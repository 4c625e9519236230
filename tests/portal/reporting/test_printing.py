"""HTML to PDF, with the real WeasyPrint: pages, tags, bounds; and where it is not there."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from portal.reporting import printing
from portal.reporting.printing import NoPrinter, PrintFault, print_pdf

_TRIED = subprocess.run(
    [sys.executable, "-c", "import weasyprint"], capture_output=True, timeout=60
)
prints = pytest.mark.skipif(_TRIED.returncode != 0, reason="WeasyPrint or pango is not here")


def unpacked(pdf: bytes) -> bytes:
    """A PDF with what is in its streams."""
    packed = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    return b"\n".join([pdf, *(_inflated(one) for one in packed)])


def _inflated(octets: bytes) -> bytes:
    try:
        return zlib.decompress(octets)
    except zlib.error:
        return octets


@prints
def test_pages_with_tags_for_screen_readers_and_nothing_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0.2)
        port = elsewhere.getsockname()[1]
        html = (
            '<html lang="en"><title>Report</title><style>@page { size: A5 }</style><h1>One</h1>'
            f'<img src="http://127.0.0.1:{port}/x.png" alt="x"><img src="/etc/passwd" alt="y">'
            '<p style="break-before: page">Two</p></html>'
        )
        made = asyncio.run(print_pdf(html))
        with pytest.raises(TimeoutError):
            elsewhere.accept()
    assert made.startswith(b"%PDF-") and made.rstrip().endswith(b"%%EOF")
    inside = unpacked(made)
    assert b"/StructTreeRoot" in inside and b"/Lang (en)" in inside
    assert len(re.findall(rb"/Type /Page\b", inside)) == 2


@prints
def test_it_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "SECONDS_MAX", 0.05)
    with pytest.raises(PrintFault, match="not done after"):
        asyncio.run(print_pdf("<html lang='en'><title>x</title></html>"))


def test_what_is_missing_is_said_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weasyprint.py").write_text("raise OSError('cannot load library libpango')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(printing, "what_is_missing", str)
    with pytest.raises(NoPrinter, match=r"libpango; pip install 'lychgate\[report\]'.*apt-get"):
        asyncio.run(print_pdf("<html></html>"))


@pytest.mark.parametrize(
    ("part", "value", "missing"),
    [
        ("find_spec", lambda _: None, "WeasyPrint"),
        ("find_spec", lambda _: object(), ""),
        ("_LIBRARY", "libnone.so.0", "libnone.so.0"),
    ],
)
def test_what_is_not_there_is_known_before(
    monkeypatch: pytest.MonkeyPatch, part: str, value: object, missing: str
) -> None:
    if part == "_LIBRARY":
        monkeypatch.setattr(printing, "find_spec", lambda _: object())
    else:
        monkeypatch.setattr(printing, "_LIBRARY", "libc.so.6")
    monkeypatch.setattr(printing, part, value)
    if not missing:
        assert printing.what_is_missing() == ""
        return
    with pytest.raises(NoPrinter, match=f"pdf: {missing} is not installed; pip install"):
        asyncio.run(print_pdf("<html></html>"))


def test_a_printer_that_breaks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weasyprint.py").write_text("raise ValueError('odd')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(printing, "what_is_missing", str)
    with pytest.raises(PrintFault, match="exit status 1: .*odd; choose HTML"):
        asyncio.run(print_pdf("<html></html>"))
