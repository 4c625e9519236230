"""Sheets: sorted, folded, dated; found by bisection and compared by merging."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists import sheets
from blocklists.entries import Scope
from blocklists.sheets import (
    SheetFault,
    SheetLine,
    compare_sheets,
    count_sheet,
    find_in_sheet,
    key_of,
    keys_covering,
    read_keys,
    read_sheet,
    rule_of,
    write_sheet,
)

labels = st.sampled_from(["a", "b", "a-b", "_c", "0", "\\033", "\\046"])
names = st.lists(labels, min_size=1, max_size=4).map(".".join)
scopes: st.SearchStrategy[Scope] = st.sampled_from(["domain", "exact", "below"])
listings = st.lists(st.tuples(names, scopes), max_size=30)


def write(path: Path, *rules: str, day: int = 1, previous: Path | None = None) -> Path:
    keys = [(key_of(*parsed(rule)), line) for line, rule in enumerate(rules, 1)]
    write_sheet(keys, path, day=day, previous=previous)
    return path


def parsed(rule: str) -> tuple[str, Scope]:
    if rule.startswith("="):
        return rule[1:], "exact"
    return (rule[2:], "below") if rule.startswith("*.") else (rule, "domain")


def covers(name: str, scope: Scope, asked: str) -> bool:
    below = asked.endswith(f".{name}")
    return (asked == name and scope != "below") or (below and scope != "exact")


def test_keys_and_rules() -> None:
    assert key_of("bet365.com") == "com.bet365."
    assert key_of("bet365.com", "exact") == "com.bet365.!"
    assert key_of("www.bet365.com", "below") == "com.bet365.www.*"
    assert rule_of("com.bet365.") == "bet365.com"
    assert rule_of("com.bet365.!") == "=bet365.com"
    assert rule_of("com.bet365.www.*") == "*.www.bet365.com"
    assert keys_covering("www.bet365.com") == (
        "com.",
        "com.*",
        "com.bet365.",
        "com.bet365.*",
        "com.bet365.www.",
        "com.bet365.www.!",
    )


def test_what_a_sheet_looks_like(tmp_path: Path) -> None:
    path = write(tmp_path / "s", "b.com", "a.com", "b.com", "=c.com", day=20_000)
    assert path.read_text() == ("com.a.\t2\t20000\ncom.b.\t1\t20000\ncom.c.!\t4\t20000\n"), (
        "the first of two lines is kept"
    )
    assert count_sheet(path) == 3
    assert [item.name for item in tmp_path.iterdir()] == ["s"]


def test_folding(tmp_path: Path) -> None:
    path = write(
        tmp_path / "s", "=x.com", "x.com", "*.x.com", "*.y.com", "=y.com", "a.x.com", "*.z.com"
    )
    assert [(rule_of(key), line) for key, line, _ in read_sheet(path)] == [
        ("x.com", 2),
        ("a.x.com", 6),  # redundant, but the list's own: kept for attribution
        ("y.com", 4),
        ("*.z.com", 7),
    ]


def test_first_days_are_carried_over(tmp_path: Path) -> None:
    old = write(tmp_path / "old", "a.com", "c.com", "d.com", day=10)
    middle = write(tmp_path / "middle", "b.com", "c.com", "a.com", day=20, previous=old)
    new = write(tmp_path / "new", "a.com", "b.com", "d.com", "e.com", day=30, previous=middle)
    assert [(rule_of(key), since) for key, _, since in read_sheet(new)] == [
        ("a.com", 10),
        ("b.com", 20),
        ("d.com", 30),  # gone for a version: listed anew
        ("e.com", 30),
    ]


def test_a_damaged_old_sheet_does_not_stop_a_new_one(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("com.a.\t1\t10\ncom.b.\t\0\0\0\0")
    new = write(tmp_path / "new", "a.com", "b.com", day=20, previous=old)
    assert [since for _, _, since in read_sheet(new)] == [10, 20]
    missing = write(tmp_path / "n2", "a.com", day=20, previous=tmp_path / "absent")
    assert [since for _, _, since in read_sheet(missing)] == [20]


@given(listings, st.integers(1, 7))
def test_runs_on_disk_make_the_same_sheet(
    tmp_path_factory: pytest.TempPathFactory, listed: list[tuple[str, Scope]], run: int
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    records = [(key_of(name, scope), line) for line, (name, scope) in enumerate(listed, 1)]
    written = write_sheet(records, folder / "whole", day=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheets, "RUN_MAX", run)
        write_sheet(records, folder / "runs", day=1)
    assert (folder / "whole").read_bytes() == (folder / "runs").read_bytes()
    keys = list(read_keys(folder / "whole"))
    assert keys == sorted(set(keys)) and len(keys) == written == count_sheet(folder / "whole")
    assert sorted(item.name for item in folder.iterdir()) == ["runs", "whole"]


@given(listings, names)
def test_finds_every_entry_that_covers(
    tmp_path_factory: pytest.TempPathFactory, listed: list[tuple[str, Scope]], asked: str
) -> None:
    path = tmp_path_factory.mktemp("find") / "s"
    write_sheet([(key_of(*item), line) for line, item in enumerate(listed, 1)], path, day=9)
    found = find_in_sheet(path, asked)
    expected = [
        SheetLine(*entry) for entry in read_sheet(path) if covers(*parsed(rule_of(entry[0])), asked)
    ]
    assert sorted(found) == expected
    assert bool(found) == any(covers(name, scope, asked) for name, scope in listed)


def test_finding_in_large_sheets_and_in_none(tmp_path: Path) -> None:
    path = write(tmp_path / "s", *[f"n{n}.example.com" for n in range(5_000)])
    assert find_in_sheet(path, "www.n4321.example.com") == [
        SheetLine("com.example.n4321.", 4322, 1)
    ]
    assert find_in_sheet(path, "n5000.example.com") == []
    assert find_in_sheet(write(tmp_path / "empty"), "a.com") == []
    assert find_in_sheet(tmp_path / "absent", "a.com") == []


@given(listings, listings)
def test_comparing(
    tmp_path_factory: pytest.TempPathFactory,
    olds: list[tuple[str, Scope]],
    news: list[tuple[str, Scope]],
) -> None:
    folder = tmp_path_factory.mktemp("compare")
    keys = []
    for name, listed in (("old", olds), ("new", news)):
        write_sheet([(key_of(*item), 1) for item in listed], folder / name, day=1)
        keys.append(set(read_keys(folder / name)))
    changes = list(compare_sheets(folder / "old", folder / "new"))
    assert {key for sign, key in changes if sign == "-"} == keys[0] - keys[1]
    assert {key for sign, key in changes if sign == "+"} == keys[1] - keys[0]
    assert [key for _, key in changes] == sorted({key for _, key in changes})
    assert list(compare_sheets(None, folder / "new")) == [("+", key) for key in sorted(keys[1])]
    assert list(compare_sheets(folder / "old", None)) == [("-", key) for key in sorted(keys[0])]


@pytest.mark.parametrize(
    "content", [b"com.a.", b"com.a.\t1\n", b"com.a.\tx\t1\n", b"com.a.\t1\t\xff\n", b"\0\0\0\0"]
)
def test_damage_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s"
    path.write_bytes(content)
    with pytest.raises(SheetFault, match=r"s: damaged; allowed are lines of key"):
        list(read_sheet(path))


def test_finding_a_damaged_line_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_bytes(b"com.a.\tx\n")
    with pytest.raises(SheetFault, match="damaged"):
        find_in_sheet(path, "a.com")
