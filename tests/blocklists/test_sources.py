"""The catalogue that ships is sound and keeps its promises; a faulty one is refused as a whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blocklists import formats, protection, sources
from blocklists.entries import Entry
from blocklists.keeping import Shelf
from blocklists.sources import Catalogue, Source, SourceFault
from blocklists.suffixes import SuffixGuard
from blocklists.working import restored, written
from categoriser import taxonomy as taxonomies

TAXONOMY = taxonomies.load()
CATALOGUE = sources.load(TAXONOMY)

PUBLISHER = """
[publisher.some]
title = "Somebody"
homepage = "https://lists.example"
licence = "MIT"
good = "Small."
bad = "Old."
"""
GAMBLING = """
[source."some:gambling"]
title = "Some gambling"
url = "https://lists.example/gambling.txt"
category = "gambling"
"""


def parse(text: str) -> Catalogue:
    return sources.parse(text, TAXONOMY)


def faults_of(text: str) -> list[str]:
    with pytest.raises(SourceFault) as caught:
        parse(text)
    return caught.value.faults


def test_a_list_inherits_what_its_publisher_says() -> None:
    catalogue = parse(PUBLISHER + GAMBLING + 'bad = "Has a shop in it."\n')
    source = catalogue["some:gambling"]
    assert (source.publisher, source.licence, source.good) == ("Somebody", "MIT", "Small.")
    assert source.bad == "Has a shop in it."
    assert source.categories == {"": "gambling"}
    assert (source.shrink_max, source.growth_max) == (0.30, 1.0)
    assert (source.reject_max, source.overlap_max) == (0.05, 0.20)
    assert not source.enabled and not source.template
    assert catalogue.publishers["some"].homepage == "https://lists.example"


def test_a_source_survives_the_way_to_another_process() -> None:
    for source in CATALOGUE.values():
        assert restored(json.loads(json.dumps(written(source))), Source) == source


def test_words_for_categories_are_compared_in_small_letters_as_formats_give_them() -> None:
    keys = {"title": "Table", "file": "t.csv", "categories": {"Adult Sites": "adult"}}
    source, faults = sources.make("local:table", keys, TAXONOMY, "here")
    assert source is not None and source.categories == {"adult sites": "adult"} and not faults


def test_every_fault_is_told_at_once() -> None:
    found = faults_of(
        PUBLISHER
        + """
        [source."some:one"]
        title = ""
        url = "https://lists.example/one"
        category = "gambling"
        refresh_hours = 0.01
        typical_entries = "many"
        lisence = "MIT"
        drop = ["Bet365.com.", "not a name"]
        [source."other:two"]
        title = "Two"
        """
    )
    assert len(found) == 6
    assert all(line.startswith("sources.toml: source ") for line in found)
    text = "\n".join(found)
    assert "some:one: lisence is not a known key; did you mean licence?" in text
    assert "refresh_hours = 0.01; allowed is hours from 0.25 to 8784" in text
    assert "typical_entries = 'many'; allowed is a whole number above 0" in text
    assert "drop = ['Bet365.com.', 'not a name']; allowed is at most 2000 domain names" in text
    assert "other:two: its publisher has no sound [publisher.other]" in text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('url = "http://lists.example/x"', "allowed is https, or http with allow_http = true"),
        ('url = "file:///etc/passwd"', "allowed is https://HOST/PATH"),
        ('url = "https://jo:secret@lists.example/x"', "allowed is credential = FILE"),
        ('url = "https://lists.example/x#part"', "without #"),
        ('url = "https://"', "allowed is https://HOST/PATH"),
        ('url = "https://lists.example:many/"', "allowed is https://HOST/PATH"),
        ('url = "https://lists.example/x"\nfile = "x"', "url and file; allowed is one of them"),
        ('format = "plian"', "format = 'plian'; allowed are"),
        ('category = "gamblin"', "did you mean gambling"),
        ('category = "qqq"', "allowed are gambling, payday,"),
        ('categories = { "x" = "gambling" }', "exactly one of them is needed"),
        ('trust = "allow"', "allowed is block or suggest"),
        ("shrink_max = 30", "allowed is a share from 0 to 1"),
        ("allow_http = 1", "allowed is true or false"),
    ],
)
def test_what_is_given_and_what_is_allowed(line: str, said: str) -> None:
    key = line.partition(" ")[0]
    kept = [row for row in GAMBLING.splitlines() if not row.startswith(f"{key} ")]
    found = faults_of(PUBLISHER + "\n".join([*kept, line]))
    assert len(found) == 1 and said in found[0], found
    assert "secret" not in found[0]


def test_plain_http_is_taken_when_it_is_asked_for() -> None:
    text = GAMBLING.replace("https:", "http:") + "allow_http = true\n"
    assert parse(PUBLISHER + text)["some:gambling"].url.startswith("http:")


def test_an_allow_list_can_only_suggest() -> None:
    text = PUBLISHER + GAMBLING.replace('"gambling"', '"essential"')
    assert "30,300 phishing hosts" in faults_of(text)[0]
    assert parse(text + 'trust = "suggest"\n')["some:gambling"].trust == "suggest"


def test_a_locked_list_always_blocks() -> None:
    text = PUBLISHER + GAMBLING.replace('"gambling"', '"illegal-abuse"')
    assert parse(text)["some:gambling"].locked(TAXONOMY)
    assert "locked category 'illegal-abuse'" in faults_of(text + 'trust = "suggest"\n')[0]


@pytest.mark.parametrize(
    "text", ["[[", "source = 3", 'publisher = "x"', "[sorce]", "[source]\nx = 1", "[publisher.p]"]
)
def test_a_document_of_another_shape_is_refused(text: str) -> None:
    assert all(line.startswith("sources.toml: ") for line in faults_of(text))


# -- the catalogue that ships


def test_nothing_is_enabled_by_shipping() -> None:
    assert not [source.id for source in CATALOGUE.values() if source.enabled]


def test_the_publishers_that_the_needs_name_are_there() -> None:
    assert set(CATALOGUE.publishers) >= set(
        "ut1 blp shadowwhisperer sinfonietta stevenblack hagezi oisd dibdot v2fly 4skinskywalker"
        " bonappetit antifa-n chigh iwf ctirp".split()
    )
    publishers = {word.partition(":")[0] for word in CATALOGUE}
    assert publishers == set(CATALOGUE.publishers)


@pytest.mark.parametrize("word", CATALOGUE)
def test_each_source_says_what_a_person_needs_to_choose(word: str) -> None:
    source = CATALOGUE[word]
    assert source.licence and source.good and source.bad and source.publisher
    assert source.redistribution
    assert source.url.startswith("https://") or source.template
    assert not source.file and not source.credential and not source.allow_http


def test_only_licensed_and_unfetchable_lists_are_templates() -> None:
    templates = {word for word, source in CATALOGUE.items() if source.template}
    assert templates == {"iwf:domains", "ctirp:domains", "bonappetit:adult"}


def test_licensed_lists_are_the_only_ones_in_locked_categories() -> None:
    locked = {word for word, source in CATALOGUE.items() if source.locked(TAXONOMY)}
    assert locked == {"iwf:domains", "ctirp:domains"}


def test_lists_of_judgement_and_allow_lists_only_suggest() -> None:
    suggest = {word for word, source in CATALOGUE.items() if source.trust == "suggest"}
    assert suggest >= {"ut1:jobsearch", "ut1:sect", "chigh:hate", "antifa-n:far-right"}
    for source in CATALOGUE.values():
        if "essential" in source.categories.values():
            assert source.trust == "suggest"


def test_no_identifier_of_a_source_hides_in_another_spelling() -> None:
    folders = [Shelf(Path(), source.id).folder for source in CATALOGUE.values()]
    assert len(folders) == len(set(folders))


def test_expected_names_are_protected_ones() -> None:
    """An `expect` that excuses nothing is a mistake, or the essential has gone."""
    protected = protection.load()
    for source in CATALOGUE.values():
        assert [name for name in source.expect if name not in protected] == [], source.id


def test_nothing_is_both_expected_and_dropped() -> None:
    guard = SuffixGuard()
    for source in CATALOGUE.values():
        assert not set(source.expect) & set(source.drop), source.id
        for name in source.drop:
            assert guard.fault(name, "domain") is None, f"{source.id}: {name} is dropped anyway"


# Which source of the catalogue a snapshot is of. The others have none, or have no category here.
SNAPSHOTS = {
    "adult__4skinskywalker.hosts.txt": "4skinskywalker:adult",
    "adult__bonappetit.domains.txt": "bonappetit:adult",
    "adult__shadowwhisperer.domains.txt": "shadowwhisperer:adult",
    "banking__ut1.domains.txt": "ut1:banking",
    "chat-whatsapp__blp.domains.txt": "blp:whatsapp",
    "chat__ut1.domains.txt": "ut1:chat",
    "chat__v2fly.v2fly.txt": "v2fly:chat",
    "circumvention-doh__dibdot.domains.txt": "dibdot:doh",
    "circumvention-doh__ut1.domains.txt": "ut1:doh",
    "circumvention-doh__v2fly.v2fly.txt": "v2fly:doh",
    "circumvention-proxy__ut1.domains.txt": "ut1:proxy",
    "circumvention-vpn__ut1.domains.txt": "ut1:vpn",
    "dating__ut1.domains.txt": "ut1:dating",
    "drugs__blp-adguard.adblock.txt": "blp:drugs",
    "gambling__sinfonietta.hosts.txt": "sinfonietta:gambling",
    "gambling__ut1.domains.txt": "ut1:gambling",
    "games__ut1.domains.txt": "ut1:games",
    "piracy-torrent__blp.domains.txt": "blp:torrent",
    "remoteaccess__shadowwhisperer.domains.txt": "shadowwhisperer:remote",
    "remoteaccess__ut1.domains.txt": "ut1:remote-control",
    "shopping__ut1.domains.txt": "ut1:shopping",
    "shortener__ut1.domains.txt": "ut1:shortener",
    "social__sinfonietta.hosts.txt": "sinfonietta:social",
    "social__ut1.domains.txt": "ut1:social",
    "social__v2fly.v2fly.txt": "v2fly:social",
}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_what_snapshots_hold_of_protected_names_is_explained(shared: Path, name: str) -> None:
    """Every hit is named by `expect` or left out by `drop`, so that a new one stands out."""
    source = CATALOGUE[SNAPSHOTS[name]]
    protected = protection.load()
    guard = SuffixGuard()
    unexplained = set()
    path = shared / "lists" / name
    with path.open("rb") as file:
        for item in formats.read(file, formats.detect(path.read_bytes()[: formats.HEAD_OCTETS])):
            if isinstance(item, Entry) and not item.allow and item.name not in source.drop:
                taken = set(protected.covered(item.name, item.scope)) - set(source.expect)
                if taken and guard.fault(item.name, item.scope) is None:
                    unexplained |= taken
    assert not unexplained
