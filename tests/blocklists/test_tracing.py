"""Why a name is listed: what every source on disk says about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from blocklists.gates import Finding
from blocklists.keeping import Shelf
from blocklists.reading import Reading
from blocklists.sheets import key_of, write_sheet
from blocklists.sources import Source
from blocklists.tracing import Trace, trace
from categoriser.names import NameFault

AT = 1_795_000_000.0  # 2026-11-18
DAY = 20_000  # 2024-10-04
HELD = (Finding("growth", "twice as many"),)


def source(id_: str, **values: object) -> Source:
    made = Source(id=id_, title=f"The {id_} list", publisher="", categories={"": "gambling"})
    return replace(made, **{"enabled": True, **values})  # type: ignore[arg-type]


def stored(
    root: Path, id_: str, *sheets: tuple[str, list[tuple[str, int]]], held: bool = False
) -> Shelf:
    """A shelf with one more version: sheets are file name and (key, line) records."""
    shelf = Shelf(root, id_)
    folder = shelf.begin(AT + 60 * held, f"{held:08}")
    for name, records in sheets:
        write_sheet(records, folder / name, day=DAY + held)
    reading = Reading(id_, "plain", 1, f"{held:08}", 1, {}, {}, (), {}, (), (), (), False)
    if held:
        shelf.hold(folder, reading, HELD, shelf.state)
    else:
        shelf.keep(folder, reading, shelf.state)
    return shelf


def shown(found: list[Trace]) -> list[tuple[str, str, str, str]]:
    return [(item.source, item.category, item.rule, item.standing) for item in found]


def test_every_source_is_told_with_its_line_and_day(tmp_path: Path) -> None:
    records = [(key_of("bet365.com"), 17), (key_of("other.example"), 1)]
    shelf = stored(tmp_path, "ut1:gambling", ("gambling.entries", records))
    version = shelf.state.current
    assert version
    (found,) = trace("WWW.Bet365.com.", [shelf], {"ut1:gambling": source("ut1:gambling")})
    assert found == Trace(
        source="ut1:gambling",
        title="The ut1:gambling list",
        category="gambling",
        rule="bet365.com",
        line=17,
        since=date(2024, 10, 4),
        version=version,
        standing="filters",
        exception=False,
        excepted_by="",
        within="",
    )


def test_what_filters_comes_first_and_what_does_not_is_told_too(tmp_path: Path) -> None:
    one = ("gambling.entries", [(key_of("x.example"), 1)])
    shelves = [stored(tmp_path, f"a:{word}", one) for word in ("gone", "off", "on", "suggest")]
    stored(
        tmp_path, "a:on", ("gambling.entries", [*one[1], (key_of("www.x.example"), 2)]), held=True
    )
    shelves[2] = Shelf(tmp_path, "a:on")
    sources = {
        "a:off": source("a:off", enabled=False),
        "a:on": source("a:on"),
        "a:suggest": source("a:suggest", trust="suggest"),
    }
    found = trace("www.x.example", shelves, sources)
    assert shown(found) == [
        ("a:on", "gambling", "x.example", "filters"),
        ("a:suggest", "gambling", "x.example", "suggests"),
        ("a:on", "gambling", "www.x.example", "held"),
        ("a:gone", "gambling", "x.example", "disabled"),
        ("a:off", "gambling", "x.example", "disabled"),
    ]
    assert found[2].version == shelves[2].state.held != found[0].version
    assert found[3].title == "a:gone", "a source that the catalogue no longer has"


def test_exceptions_and_needless_entries_are_marked(tmp_path: Path) -> None:
    entries = [
        (key_of("x.example"), 1),
        (key_of("x.example", "below"), 9),
        (key_of("www.x.example"), 2),
    ]
    entries += [(key_of("a.b.example", "exact"), 3), (key_of("b.example", "below"), 4)]
    shelf = stored(
        tmp_path,
        "a:b",
        ("adult.entries", entries),
        ("adult.allows", [(key_of("www.x.example", "exact"), 5)]),
        ("chat.entries", [(key_of("x.example"), 6)]),
    )
    sources = {"a:b": source("a:b")}
    found = trace("www.x.example", [shelf], sources)
    assert [
        (one.category, one.rule, one.exception, one.excepted_by, one.within) for one in found
    ] == [
        ("adult", "x.example", False, "=www.x.example", ""),
        ("adult", "www.x.example", False, "=www.x.example", "x.example"),
        ("adult", "=www.x.example", True, "", ""),
        ("chat", "x.example", False, "", ""),
    ]
    below = trace("a.b.example", [shelf], sources)
    assert [(one.rule, one.within) for one in below] == [
        ("*.b.example", ""),
        ("=a.b.example", "*.b.example"),
    ]
    assert not trace("b.example", [shelf], sources)
    assert not trace("c.a.b.example.org", [shelf], sources)


def test_no_versions_and_no_name(tmp_path: Path) -> None:
    assert trace("x.example", [Shelf(tmp_path, "a:b")], {}) == []
    with pytest.raises(NameFault):
        trace("http://x.example/", [], {})
