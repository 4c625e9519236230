"""From list files to a published index, with everything that goes wrong on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocklists.compiling import (
    MAX_LINE_OCTETS,
    CompileFault,
    CompileReport,
    compile_index,
    publish,
)
from blocklists.entries import PUBLIC_SUFFIX, SINGLE_LABEL, TOO_LONG
from categoriser.indexfile import open_index
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
    endless = b"x." * (MAX_LINE_OCTETS * 3) + b"evil.com"
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
    with pytest.raises(CompileFault, match="a writable place is needed"):
        publish(b"x", tmp_path / "no" / "such" / "folder" / "i")
    (tmp_path / "folder").mkdir()
    with pytest.raises(CompileFault, match="a writable place is needed"):
        publish(b"x", tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"], "no temporary file is left"


def test_who_maps_the_old_index_keeps_it(lists: Path, tmp_path: Path) -> None:
    out = tmp_path / "i"
    (lists / "gambling.txt").write_text("bet365.com\n")
    build(lists, out)
    old = open_index(out)
    (lists / "gambling.txt").write_text("other.example\n")
    build(lists, out)
    assert old.find(spell(from_text("bet365.com")))
    assert not found(out, "bet365.com") and found(out, "other.example")


def test_a_real_list(shared: Path, tmp_path: Path) -> None:
    path = shared / "lists" / "gambling__ut1.domains.txt"
    report = compile_index([path], tmp_path / "i", at=0.0)
    assert report.names > 30_000
    assert report.sources[0].rejected < 0.05 * report.names
    assert not found(tmp_path / "i", "anything.bet.br"), "bet.br is a public suffix"
