"""From list files to a published index, with everything that goes wrong on the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocklists import formats, merging
from blocklists.compiling import (
    CompileFault,
    CompileReport,
    Part,
    compile_index,
    compile_sheets,
    publish,
)
from blocklists.entries import PUBLIC_SUFFIX, SINGLE_LABEL, TOO_LONG, Scope
from blocklists.sheets import key_of, write_sheet
from categoriser.indexfile import IndexFault, SourceInfo, open_index
from categoriser.matches import Match
from categoriser.names import from_text, spell


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    folder = tmp_path / "lists"
    folder.mkdir()
    return folder


def found(out: Path, name: str) -> list[Match]:
    return list(open_index(out).find(spell(from_text(name))))


def build(lists: Path, out: Path, category: str | None = None) -> CompileReport:
    return compile_index([lists], out, category=category, at=1_800_000_000.0)


def test_a_folder_becomes_an_index(lists: Path, tmp_path: Path) -> None:
    (lists / "gambling.txt").write_text("bet365.com\n=exact.example\n")
    (lists / "gambling__ut1.domains.txt").write_text("# UT1\nbet365.com\n")
    (lists / "adult__x.hosts.txt").write_text("0.0.0.0 adult.example\n")
    (lists / "README.md").write_text("not a list")
    (lists / ".gambling.part.txt").write_text("hidden.example\n")
    out = tmp_path / "category.index"
    report = build(lists, out)
    assert found(out, "www.bet365.com") == [
        Match("gambling", "bet365.com", ("local:gambling", "ut1:gambling"))
    ]
    assert found(out, "exact.example") == [Match("gambling", "=exact.example", ("local:gambling",))]
    assert found(out, "x.exact.example") == found(out, "hidden.example") == []
    assert [match.category for match in found(out, "adult.example")] == ["adult"]
    assert (report.names, report.octets, report.at) == (3, out.stat().st_size, 1_800_000_000.0)
    assert [(s.source, s.format, s.entries, s.lines) for s in report.sources] == [
        ("x:adult", "hosts", 1, 1),
        ("local:gambling", "plain", 2, 2),
        ("ut1:gambling", "plain", 1, 2),
    ]
    assert list(tmp_path.glob(".*")) == [], "no temporary file is left"


def test_entries_that_are_too_wide_are_rejected_and_reported(lists: Path, tmp_path: Path) -> None:
    """One real list held com, net and tax: it blocked 60 of every 100 popular sites."""
    (lists / "adult.txt").write_text("com\nnet\nco.uk\nbet365.com\ntax\nxxx\n")
    out = tmp_path / "i"
    report = build(lists, out)
    rejections = {r.reason: (r.count, r.examples) for r in report.sources[0].rejections}
    assert rejections == {
        SINGLE_LABEL: (4, ((1, "com"), (2, "net"), (5, "tax"))),
        PUBLIC_SUFFIX: (1, ((3, "co.uk"),)),
    }
    assert report.sources[0].rejected == 5
    assert found(out, "example.com") == found(out, "bbc.co.uk") == []


def test_the_category_may_be_given(lists: Path, tmp_path: Path) -> None:
    (lists / "porn.txt").write_text("adult.example\n")
    out = tmp_path / "i"
    report = compile_index([lists / "porn.txt", str(lists)], out, category="adult", at=0.0)
    assert [source.source for source in report.sources] == ["porn:adult"], "a file is read once"
    assert found(out, "adult.example")[0].sources == ("porn:adult",)


def test_two_lists_of_one_name_stay_apart(lists: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (lists / folder).mkdir()
        (lists / folder / "gambling.txt").write_text("bet365.com\n")
    build(lists, tmp_path / "i")
    assert found(tmp_path / "i", "bet365.com")[0].sources == ("local:gambling", "local:gambling#2")


def test_all_faults_come_at_once_and_nothing_is_published(lists: Path, tmp_path: Path) -> None:
    (lists / "gambing.txt").write_text("bet365.com\n")
    (lists / "essential.txt").write_text("phishing.example\n")
    (lists / "adult.txt").write_text("<html>\n<body class=x>\n")
    out = tmp_path / "i"
    out.write_bytes(b"the old one")
    with pytest.raises(CompileFault) as caught:
        compile_index([lists, tmp_path / "absent"], out, at=0.0)
    message = "\n".join(sorted(caught.value.faults))
    assert len(caught.value.faults) == 4
    assert "absent: not there" in message
    assert "did you mean gambling" in message
    assert "never allow" in message
    assert "no format recognises" in message
    assert out.read_bytes() == b"the old one"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("com\nnet\n", "no usable entry"),
        ("1.2.3.4\n", "no usable entry"),
        ("", "no format recognises"),
    ],
)
def test_a_list_that_gives_nothing_stops_everything(
    lists: Path, tmp_path: Path, content: str, says: str
) -> None:
    (lists / "gambling.txt").write_text("bet365.com\n")
    (lists / "adult.txt").write_text(content)
    with pytest.raises(CompileFault, match=says):
        build(lists, tmp_path / "i")
    assert not (tmp_path / "i").exists()


def test_no_files_is_a_fault(lists: Path, tmp_path: Path) -> None:
    with pytest.raises(CompileFault, match="no list files"):
        build(lists, tmp_path / "i")
    with pytest.raises(CompileFault, match="no paths"):
        compile_index([], tmp_path / "i", at=0.0)


def test_odd_octets_and_endless_lines_cost_one_line_each(lists: Path, tmp_path: Path) -> None:
    endless = b"x." * (formats.LINE_CHARACTERS_MAX * 3) + b"evil.com"
    (lists / "adult.txt").write_bytes(
        b"\xef\xbb\xbffirst.example\r\n"
        + endless
        + b"\n\xff\xfe.example\nnul\0.example\nlast.example"
    )
    report = build(lists, tmp_path / "i")
    source = report.sources[0]
    assert (source.lines, source.entries, source.rejected) == (5, 2, 3)
    long = next(r for r in source.rejections if r.reason == TOO_LONG)
    assert long.examples[0][0] == 2 and len(long.examples[0][1]) <= 120
    assert found(tmp_path / "i", "first.example") and found(tmp_path / "i", "last.example")
    assert not found(tmp_path / "i", "evil.com")


def test_a_place_that_cannot_be_written_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "gambling.txt").write_text("bet365.com\n")
    (tmp_path / "folder").mkdir()
    for out in (tmp_path / "no" / "such" / "folder" / "i", tmp_path / "folder"):
        with pytest.raises(CompileFault, match="a writable place"):
            compile_index([tmp_path / "gambling.txt"], out, at=0.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "gambling.txt"], (
        "no temporary file is left"
    )


def test_who_maps_the_old_index_keeps_it(lists: Path, tmp_path: Path) -> None:
    out = tmp_path / "i"
    (lists / "gambling.txt").write_text("bet365.com\n")
    build(lists, out)
    old = open_index(out)
    (lists / "gambling.txt").write_text("other.example\n")
    build(lists, out)
    assert old.find(spell(from_text("bet365.com")))
    assert not found(out, "bet365.com") and found(out, "other.example")


def sheets(folder: Path, listed: dict[tuple[str, str], tuple[list[str], list[str]]]) -> list[Part]:
    """Parts of (source, category) -> (entries, exceptions), as people write them."""
    folder.mkdir(exist_ok=True)
    parts = []
    for number, ((source, category), texts) in enumerate(listed.items()):
        paths = []
        for ending, rules in zip(("entries", "allows"), texts, strict=True):
            path = folder / f"{number}.{ending}"
            write_sheet([(key_of(*parsed(rule)), 1) for rule in rules], path, day=1)
            paths.append(path)
        allows = paths[1] if texts[1] else None
        parts.append(Part(source, "title", category, "MIT", paths[0], allows, 5.0))
    return parts


def parsed(rule: str) -> tuple[str, Scope]:
    if rule.startswith("="):
        return rule[1:], "exact"
    return (rule[2:], "below") if rule.startswith("*.") else (rule, "domain")


def test_sheets_become_an_index(tmp_path: Path) -> None:
    out = tmp_path / "i"
    parts = sheets(
        tmp_path / "s",
        {
            ("ut1:gambling", "gambling"): (["bet.com", "m.bet.com", "x.com"], []),
            ("v2fly:all", "gambling"): (["bet.com", "*.x.com"], ["help.bet.com"]),
            ("v2fly:all", "adult"): (["m.bet.com"], []),
        },
    )
    report = compile_sheets(parts, out, at=7.0)
    assert found(out, "bet.com") == [Match("gambling", "bet.com", ("ut1:gambling", "v2fly:all"))]
    assert found(out, "help.bet.com") == [Match("gambling", "bet.com", ("ut1:gambling",))]
    assert [match.sources for match in found(out, "x.com")] == [("ut1:gambling",)]
    assert [match.sources for match in found(out, "a.x.com")] == [("ut1:gambling", "v2fly:all")]
    assert {match.category for match in found(out, "m.bet.com")} == {"gambling", "adult"}
    assert (report.out, report.at, report.octets) == (out, 7.0, out.stat().st_size)
    assert (report.names, report.dropped, report.sources) == (3, 0, ())
    infos = open_index(out).manifest.sources
    assert infos[0] == SourceInfo("ut1:gambling", "title", "gambling", "MIT", 3, 5.0)
    assert [info.entries for info in infos] == [3, 2, 1], "as the lists give them"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["i"]


def test_redundant_names_are_dropped_only_with_the_same_attribution(tmp_path: Path) -> None:
    out = tmp_path / "i"
    parts = sheets(
        tmp_path / "s",
        {
            ("a:a", "gambling"): (["bet.com", "m.bet.com", "=www.bet.com", "b.c.bet.com"], []),
            ("b:b", "gambling"): (["c.bet.com", "b.c.bet.com", "=www.bet.com"], []),
            ("a:a", "adult"): (["c.bet.com"], []),
        },
    )
    report = compile_sheets(parts, out, at=0.0)
    assert report.dropped == 2, "m.bet.com, b.c.bet.com"
    assert report.names == 3
    assert [match.rule for match in found(out, "www.bet.com")] == ["bet.com", "=www.bet.com"]
    assert [info.entries for info in open_index(out).manifest.sources] == [4, 3, 1]


labels = st.sampled_from(["a", "b", "c-d", "_e"])
names = st.lists(labels, min_size=1, max_size=4).map(".".join)
rule_texts = st.tuples(st.sampled_from(["", "", "=", "*."]), names).map("".join)
rule_lists = st.lists(rule_texts, max_size=8)


@settings(max_examples=150)
@given(
    st.lists(st.tuples(rule_lists, rule_lists), min_size=1, max_size=4),
    st.lists(names, min_size=1, max_size=6),
)
def test_no_answer_and_no_attribution_is_lost(
    tmp_path_factory: pytest.TempPathFactory,
    listed: list[tuple[list[str], list[str]]],
    asked: list[str],
) -> None:
    """Whatever is folded and dropped: who lists a name, in which category, is as in the lists."""
    folder = tmp_path_factory.mktemp("compile")
    who = [("a:a", "gambling"), ("a:a", "adult"), ("b:b", "gambling"), ("c:c", "games")]
    chosen = dict(zip(who, listed, strict=False))
    parts = sheets(folder, chosen)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "BLOCK_OCTETS_MIN", 16)
        patch.setattr(merging, "BLOCK_OCTETS_SUM", 32)
        compile_sheets(parts, folder / "i", at=0.0)
    table = open_index(folder / "i")
    every = [parsed(rule)[0] for texts in listed for rule in [*texts[0], *texts[1]]]
    for name in [*asked, *every, *(f"a.{name}" for name in every)]:
        expected = {
            pair
            for pair, (entries, allows) in chosen.items()
            if any(covers(rule, name) for rule in entries)
            and not any(covers(rule, name) for rule in allows)
        }
        matches = table.find(spell(from_text(name)))
        assert {(id_, match.category) for match in matches for id_ in match.sources} == expected
        assert len({(match.category, match.rule) for match in matches}) == len(matches)


def covers(rule: str, name: str) -> bool:
    base, scope = parsed(rule)
    return (name == base and scope != "below") or (name.endswith(f".{base}") and scope != "exact")


def test_many_sheets_larger_than_their_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "BLOCK_OCTETS_SUM", 1)
    monkeypatch.setattr(merging, "BLOCK_OCTETS_MIN", 300)
    listed = {
        (f"s:{n}", "adult"): ([f"n{k}.com" for k in range(n, 900, n)], []) for n in range(1, 9)
    }
    compile_sheets(sheets(tmp_path / "s", listed), tmp_path / "i", at=0.0)
    table = open_index(tmp_path / "i")
    assert len(table) == 899
    for k in (1, 24, 840, 899):
        (match,) = table.find(spell(from_text(f"n{k}.com")))
        assert match.sources == tuple(f"s:{n}" for n in range(1, 9) if k % n == 0)


def test_parts_that_cannot_be_compiled(tmp_path: Path) -> None:
    out = tmp_path / "i"
    out.write_bytes(b"the old one")
    parts = sheets(
        tmp_path / "s",
        {("a:a", "gambling"): (["bet.com"], []), ("a:b", "essential"): (["phish.com"], [])},
    )
    wrong = replace(parts[0], source_id="a:c", category="gambing")
    with pytest.raises(CompileFault) as caught:
        compile_sheets([*parts, parts[0], wrong], out, at=0.0)
    assert [fault.partition(": ")[0] for fault in caught.value.faults] == ["a:b", "a:a", "a:c"]
    for damage in (b"com.b.\t1\t1\ncom.a.\t1\t1\n", b"\0" * 99):
        parts[0].entries.write_bytes(damage)
        with pytest.raises(CompileFault, match="damaged near octet"):
            compile_sheets(parts[:1], out, at=0.0)
    with pytest.raises(OSError, match="absent"):
        compile_sheets([replace(parts[0], entries=tmp_path / "absent")], out, at=0.0)
    assert out.read_bytes() == b"the old one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["i", "s"]


def test_no_parts_make_an_index_of_nothing(tmp_path: Path) -> None:
    assert compile_sheets([], tmp_path / "i", at=0.0).names == 0
    assert found(tmp_path / "i", "a.com") == []


def test_a_disk_that_loses_octets_publishes_nothing(tmp_path: Path) -> None:
    (tmp_path / "i").write_bytes(b"the old one")
    with pytest.raises(IndexFault):
        publish(b"not an index", tmp_path / "i")
    assert (tmp_path / "i").read_bytes() == b"the old one"
    assert [path.name for path in tmp_path.iterdir()] == ["i"], "no temporary file is left"


def test_exceptions_of_a_list_given_by_hand(lists: Path, tmp_path: Path) -> None:
    (lists / "gambling__a.txt").write_text("||bet.com^\n@@||help.bet.com^\n")
    (lists / "gambling__b.txt").write_text("bet.com\n")
    build(lists, tmp_path / "i")
    assert found(tmp_path / "i", "help.bet.com")[0].sources == ("b:gambling",)


def test_a_real_list(shared: Path, tmp_path: Path) -> None:
    path = shared / "lists" / "gambling__ut1.domains.txt"
    report = compile_index([path], tmp_path / "i", at=0.0)
    assert report.names > 30_000
    assert report.sources[0].rejected < 0.05 * report.names
    assert not found(tmp_path / "i", "anything.bet.br"), "bet.br is a public suffix"
