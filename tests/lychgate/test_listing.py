"""The lists of one installation: what the index is made of, and where things are."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocklists import choices
from blocklists.working import JobFault
from categoriser.indexfile import open_index
from lychgate.config import load
from lychgate.listing import Listing
from tests.blocklists.making import AT

LISTS = """enabled = ["local:own"]
[source."local:own"]
title = "Our own"
category = "games"
file = "own.txt"
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "lychgate.toml").write_text('lists.ca_file = "ca.pem"\n')
    (tmp_path / "var").mkdir()
    (tmp_path / "var/lists.toml").write_text(LISTS)
    (tmp_path / "var/own.txt").write_text("one.example\ntwo.example\n")
    return tmp_path


def listing(here: Path) -> Listing:
    """As another process would open it now."""
    return Listing(load(here / "lychgate.toml"))


def test_a_list_that_was_disabled_during_a_refresh_is_not_in_the_index(here: Path) -> None:
    slow = listing(here)
    slow.refresh(at=AT)
    listing(here).choose(choices.disable, ["local:own"])
    slow.compile(at=AT)
    assert not slow.index.exists()
    listing(here).choose(choices.enable, ["local:own"])
    assert (report := slow.compile(at=AT)) and report.names == 2
    listing(here).choose(choices.disable, ["local:own"])
    slow.compile(at=AT)
    assert len(open_index(slow.index)) == 0


def test_an_index_is_made_only_when_there_is_something_new(here: Path) -> None:
    own = listing(here)
    own.refresh(at=AT)
    assert own.compile(at=AT) is not None
    assert listing(here).compile(at=AT + 1) is None
    own.index.unlink()
    assert listing(here).compile(at=AT + 2) is not None, "somebody took it away"
    (here / "var/lists/compiled.json").write_text('["damaged"]')
    assert listing(here).compile(at=AT + 3) is not None


def test_a_lost_sheet_is_no_empty_list(here: Path) -> None:
    own = listing(here)
    own.refresh(at=AT)
    own.compile(at=AT)
    before = own.index.read_bytes()
    (part,) = own.parts()
    part.entries.unlink()
    (here / "var/lists/compiled.json").unlink()
    with pytest.raises(JobFault, match=r"games\.entries"):
        own.compile(at=AT + 1)
    assert own.index.read_bytes() == before, "what filtered still does"
    own.refresh(at=AT + 2, only=["local:own"], force=True)
    assert (report := own.compile(at=AT + 2)) and report.names == 2


def test_paths_count_from_the_folder_of_the_configuration(here: Path) -> None:
    assert load(here / "lychgate.toml").lists_ca_file == str(here / "ca.pem")
    (here / "lychgate.toml").write_text("")
    assert load(here / "lychgate.toml").lists_ca_file == ""
