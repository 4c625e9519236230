"""Lists written for other programs: what these would answer, and what a reader reads back."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import dns.name
import dns.rdatatype
import dns.zone
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists import exporting, formats
from blocklists.compiling import Part
from blocklists.entries import Entry, Scope
from blocklists.exporting import ExportFault, export
from blocklists.sheets import key_of, write_sheet
from blocklists.sources import Source

AT = 1_795_000_000.0  # 2026-11-18T11:06:40Z


def part(
    folder: Path,
    source_id: str,
    entries: Iterable[str],
    allows: Iterable[str] = (),
    *,
    category: str = "gambling",
    licence: str = "MIT",
) -> Part:
    """A part with these rules, written ``x.example``, ``=x.example`` or ``*.x.example``."""
    paths = []
    for number, (ending, rules) in enumerate((("entries", entries), ("allows", allows))):
        paths.append(folder / f"{source_id.replace(':', '__')}-{category}-{number}.{ending}")
        records = [(key_of(*read_rule(rule)), 1) for rule in rules]
        write_sheet(records, paths[-1], day=20_000)
    return Part(
        source_id=source_id,
        title=f"List {source_id}",
        category=category,
        licence=licence,
        entries=paths[0],
        allows=paths[1],
        fetched_at=AT - 3600,
    )


def read_rule(text: str) -> tuple[str, Scope]:
    if text.startswith("="):
        return text[1:], "exact"
    return (text[2:], "below") if text.startswith("*.") else (text, "domain")


def written(parts: Sequence[Part], kind: str, **options: object) -> str:
    out = io.StringIO()
    export(parts, kind, out, at=AT, **options)  # type: ignore[arg-type]
    return out.getvalue()


def content(text: str) -> list[str]:
    return [line for line in text.splitlines() if line[0] not in "#;$@"]


def read_back(text: str, word: str) -> list[Entry]:
    found = list(formats.read(io.BytesIO(text.encode()), word))
    assert all(isinstance(item, Entry) for item in found), found
    return [item for item in found if isinstance(item, Entry)]


def test_each_kind_says_what_it_can(tmp_path: Path) -> None:
    parts = [
        part(tmp_path, "a:x", ["bet365.com", "www.bet365.com", "=only.example", "*.below.example"]),
        part(tmp_path, "b:x", ["bet365.com", "other.example"]),
    ]
    assert content(written(parts, "rpz")) == [
        "bet365.com CNAME .",
        "*.bet365.com CNAME .",
        "*.below.example CNAME .",
        "only.example CNAME .",
        "other.example CNAME .",
        "*.other.example CNAME .",
    ]
    names = ["bet365.com", "www.bet365.com", "only.example", "other.example"]
    hosts = written(parts, "hosts")
    assert content(hosts) == [f"0.0.0.0 {name}" for name in names]
    domains = written(parts, "domains")
    assert content(domains) == names
    assert hosts.splitlines()[-1] == f"# end: 4 written; 1 {exporting.ONLY_BELOW}"
    assert (
        domains.splitlines()[-1]
        == f"# end: 4 written; 1 {exporting.WIDENED}; 1 {exporting.ONLY_BELOW}"
    )


def test_an_exception_opens_only_what_every_source_excepts(tmp_path: Path) -> None:
    parts = [
        part(tmp_path, "a:x", ["both.example", "one.example", "wide.example"],
             ["both.example", "one.example", "a.b.wide.example"]),
        part(tmp_path, "b:x", ["both.example", "one.example"], ["both.example"]),
    ]  # fmt: skip
    assert content(written(parts, "hosts")) == ["0.0.0.0 one.example", "0.0.0.0 wide.example"]
    out = io.StringIO()
    report = export(parts, "domains", out, at=AT)
    assert content(out.getvalue()) == ["one.example", "wide.example"]
    assert (report.written, report.left_out) == (2, {exporting.EXCEPTED_BELOW: 1})
    assert content(written(parts, "rpz")) == [
        "one.example CNAME .",
        "*.one.example CNAME .",
        "wide.example CNAME .",
        "*.wide.example CNAME .",
        # or b.wide.example would exist in the zone without a policy, and *.wide not reach below it
        "b.wide.example CNAME .",
        "*.b.wide.example CNAME .",
        "a.b.wide.example CNAME rpz-passthru.",
        "*.a.b.wide.example CNAME rpz-passthru.",
    ]


def test_the_head_names_sources_licences_and_attributions(tmp_path: Path) -> None:
    parts = [
        part(tmp_path, "ut1:gambling", ["x.example"], licence="CC-BY-SA-4.0"),
        replace(part(tmp_path, "b:x", ["y.example"]), title="Evil\nz.example", licence=""),
    ]
    source = Source(
        id="ut1:gambling",
        title="UT1",
        publisher="",
        categories={"": "gambling"},
        attribution="University of\u2028Toulouse\nevil.example",
        homepage="https://example.org/",
        redistribution="yes, share-alike",
    )
    for kind, word in (("rpz", "rpz"), ("hosts", "hosts"), ("domains", "plain")):
        text = written(parts, kind, sources={"ut1:gambling": source})
        assert "- ut1:gambling (List ut1:gambling), category gambling" in text
        assert "2026-11-18T10:06:40Z, licence: CC-BY-SA-4.0" in text
        assert "  attribution: University of Toulouse evil.example\n" in text
        assert "only be passed on under the same licence: CC-BY-SA-4.0\n" in text
        assert "licence: not stated" in text
        assert {entry.name for entry in read_back(text, word)} == {"x.example", "y.example"}
        assert text.splitlines()[-1].strip("#; ").startswith("end: ")


def test_a_zone_is_one_for_other_software(tmp_path: Path) -> None:
    parts = [part(tmp_path, "a:x", ["bet365.com", r"we\064ird\036.example", "=_x.example"])]
    text = written(parts, "rpz", origin="rpz.example.org.")
    zone = dns.zone.from_text(text, relativize=False)
    assert zone.origin == dns.name.from_text("rpz.example.org")
    soa = zone.find_rdataset("rpz.example.org.", "SOA")[0]
    assert soa.serial == int(AT)
    assert zone.find_rdataset("*.bet365.com.rpz.example.org.", "CNAME")[0].target == dns.name.root
    assert dns.name.from_text(r"we\@ird\$.example.rpz.example.org") in zone.nodes
    assert {name.to_text() for name in zone.nodes if b"_x" in name.labels[0]} == {
        "_x.example.rpz.example.org."
    }


def test_names_too_long_for_the_zone_are_counted(tmp_path: Path) -> None:
    long = ".".join(["a" * 60] * 4)  # 243 octets
    out = io.StringIO()
    report = export([part(tmp_path, "a:x", [long])], "rpz", out, at=AT, origin="rpz.name")
    assert content(out.getvalue()) == [f"{long} CNAME ."]
    assert report.left_out == {exporting.TOO_LONG: 1}
    dns.zone.from_text(out.getvalue())


def test_categories_are_chosen_and_locked_ones_only_by_name(tmp_path: Path) -> None:
    parts = [
        part(tmp_path, "a:x", ["g.example"]),
        part(tmp_path, "a:x", ["a.example"], category="adult"),
        part(tmp_path, "iwf:domains", ["i.example"], category="illegal-abuse"),
    ]
    assert content(written(parts, "domains")) == ["a.example", "g.example"]
    assert content(written(parts, "domains", categories=["adult"])) == ["a.example"]
    assert content(written(parts, "domains", categories=["illegal-abuse"])) == ["i.example"]
    assert "iwf" not in written(parts, "domains")


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        ("bind", {}, "kind 'bind'; allowed are rpz, hosts, domains"),
        ("rpz", {"origin": "not a name"}, "origin 'not a name'"),
        ("rpz", {"origin": "."}, "a zone of its own is needed"),
        ("rpz", {"categories": ["gambing"]}, "'gambing'; lists are there for gambling"),
    ],
)
def test_faults_come_before_the_first_octet(
    tmp_path: Path, kind: str, options: Mapping[str, object], says: str
) -> None:
    out = io.StringIO()
    with pytest.raises(ExportFault) as caught:
        export([part(tmp_path, "a:x", ["x.example"])], kind, out, at=AT, **options)  # type: ignore[arg-type]
    assert says in str(caught.value)
    assert out.getvalue() == ""
    with pytest.raises(ExportFault, match="no list"):
        export([], "rpz", out, at=AT)


# -- What others would answer, against what the index answers.

LABELS = ("a", "b")
NAMES = [
    ".".join([*labels, "example", "org"])
    for size in range(4)
    for labels in itertools.product(LABELS, repeat=size)
]
PROBES = [*NAMES, *(f"{label}.{name}" for name in NAMES for label in ("a", "z"))]
RULES = st.tuples(st.sampled_from(["", "", "=", "*."]), st.sampled_from(NAMES)).map("".join)
PARTS = st.lists(
    st.tuples(st.lists(RULES, max_size=6), st.lists(RULES, max_size=3)), min_size=1, max_size=3
)


def covers(rule: str, name: str) -> bool:
    listed, scope = read_rule(rule)
    itself, below = name == listed, name.endswith(f".{listed}")
    return (itself and scope != "below") or (below and scope != "exact")


def blocked(lists: Sequence[tuple[list[str], list[str]]], name: str) -> bool:
    return any(
        any(covers(rule, name) for rule in entries)
        and not any(covers(rule, name) for rule in allows)
        for entries, allows in lists
    )


def in_zone(records: Mapping[str, str], name: str, *, climbing: bool) -> bool:
    """Whether a zone blocks a name: by RFC 4592 (the wildcard of the closest name that exists), or
    `climbing` to the closest wildcard there is, as some programs do.
    """
    if name in records:
        return records[name] == "."
    existing = {owner[-n:] for owner in map(labels_of, records) for n in range(1, len(owner) + 1)}
    above = labels_of(name)
    if above in existing:
        return False if not climbing else climb(records, above)
    while above:
        above = above[1:]
        if f"*.{'.'.join(above)}" in records:
            return records[f"*.{'.'.join(above)}"] == "."
        if above in existing and not climbing:
            return False
    return False


def climb(records: Mapping[str, str], above: tuple[str, ...]) -> bool:
    for n in range(1, len(above)):
        if target := records.get(f"*.{'.'.join(above[n:])}"):
            return target == "."
    return False


def labels_of(name: str) -> tuple[str, ...]:
    return tuple(name.split("."))


@given(PARTS)
def test_a_zone_answers_as_the_index_does(lists: list[tuple[list[str], list[str]]]) -> None:
    with TemporaryDirectory() as folder:
        parts = [part(Path(folder), f"a:{n}", *both) for n, both in enumerate(lists)]
        text = written(parts, "rpz")
    records = dict(line.split(" CNAME ") for line in content(text))
    assert len(records) == len(content(text)), "no owner twice"
    for name in PROBES:
        expected = blocked(lists, name)
        assert in_zone(records, name, climbing=False) == expected, name
        assert in_zone(records, name, climbing=True) == expected, name
    back = {
        (f"*.{entry.name}" if entry.scope == "below" else entry.name, entry.allow)
        for entry in read_back(text, "rpz")
    }
    assert back == {(owner, target != ".") for owner, target in records.items()}


@given(PARTS, st.sampled_from([("hosts", "hosts"), ("domains", "plain")]))
def test_names_come_back_as_they_were(
    lists: list[tuple[list[str], list[str]]], kinds: tuple[str, str]
) -> None:
    with TemporaryDirectory() as folder:
        parts = [part(Path(folder), f"a:{n}", *both) for n, both in enumerate(lists)]
        text = written(parts, kinds[0])
    expected = {
        name
        for entries, allows in lists
        for name, scope in map(read_rule, entries)
        if scope != "below" and not any(covers(rule, name) for rule in allows)
    }
    back = [entry.name for entry in read_back(text, kinds[1])]
    assert sorted(back) == sorted(expected)
