"""lists.toml: what people write is understood or refused with its line; commands keep comments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from blocklists import choices, sources
from blocklists.choices import Choices, read_choices
from blocklists.sources import SourceFault

CATALOGUE = sources.load()
WRITTEN = """# Lists of the college. Ask Jo before you change them.
enabled = [
  "ut1:gambling",  # since May
  "local:own",
]

# kept by the library
[source."local:own"]
title = "Our own list"
file = "own.txt"  # beside this file
category = "gambling"

[change."ut1:gambling"]
refresh_hours = 48
drop = ["example.com"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "lists.toml"
    written.write_text(WRITTEN, encoding="utf-8")
    return written


def read(path: Path) -> Choices:
    return read_choices(path, CATALOGUE)


def faults_of(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceFault) as caught:
        read(path)
    return caught.value.faults


def refusal(path: Path, command: Callable[..., Choices], *words: object) -> str:
    """What a command says that is refused; the file stays as it was."""
    before = path.read_bytes()
    with pytest.raises(SourceFault) as caught:
        command(path, *words, catalogue=CATALOGUE)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    return str(caught.value)


def test_without_a_file_the_catalogue_is_there_and_nothing_is_enabled(tmp_path: Path) -> None:
    chosen = read_choices(tmp_path / "lists.toml")
    assert set(chosen.sources) == set(CATALOGUE)
    assert chosen.enabled == ()


def test_own_lists_and_changes_are_merged_with_the_catalogue(path: Path) -> None:
    chosen = read(path)
    assert [source.id for source in chosen.enabled] == ["ut1:gambling", "local:own"]
    changed = chosen.sources["ut1:gambling"]
    assert changed.refresh_hours == 48
    assert changed.drop == ("example.com",)
    assert changed.url == CATALOGUE["ut1:gambling"].url
    assert changed.licence == "CC-BY-SA-4.0"
    own = chosen.sources["local:own"]
    assert own.categories == {"": "gambling"}
    assert own.file == str(path.parent / "own.txt")


def test_a_file_can_take_the_place_of_an_address(path: Path) -> None:
    path.write_text('[change."ut1:gambling"]\nfile = "copy/gambling.txt"\nformat = "plain"\n')
    changed = read(path).sources["ut1:gambling"]
    assert changed.url == "" and changed.file == str(path.parent / "copy" / "gambling.txt")


def test_a_mirror_in_place_of_the_address_is_one_nobody_checked(path: Path) -> None:
    path.write_text('[change."ut1:gambling"]\nurl = "https://mirror.example/gambling"\n')
    changed = read(path).sources["ut1:gambling"]
    assert changed.url == "https://mirror.example/gambling" and not changed.url_checked


def test_one_category_can_take_the_place_of_several_words(path: Path) -> None:
    path.write_text('[change."v2fly:games"]\ncategories = { category-games = "streaming" }\n')
    assert read(path).sources["v2fly:games"].categories == {"category-games": "streaming"}
    path.write_text('[change."v2fly:games"]\ncategory = "streaming"\n')
    assert read(path).sources["v2fly:games"].categories == {"": "streaming"}


def test_every_fault_is_told_at_once_with_its_line(path: Path) -> None:
    found = faults_of(
        path,
        """enabled = ["ut1:gamblin", "ut1:games", "ut1:games", "iwf:domains", "local:own"]
colour = "red"

[source."local:own"]
title = "Own"
category = "gambling"

[source."ut1:games"]
title = "Mine"
url = "https://lists.example/games"
category = "games"

[change."ut1:dating"]
shrink = 0.5

[change."ut1:sects"]
refresh_hours = 12
""",
    )
    assert len(found) == 8
    text = "\n".join(found)
    assert "lists.toml:1: enabled: ut1:gamblin is not known; did you mean ut1:gambling" in text
    assert "lists.toml:1: enabled: ut1:games is given twice" in text
    assert 'iwf:domains is a template; give its file or url under [change."iwf:domains"]' in text
    assert "lists.toml:2: colour is not a known key" in text
    assert "lists.toml:4: source local:own: url and file are missing" in text
    assert "lists.toml:8: source ut1:games: is in the catalogue" in text
    assert "lists.toml:13: change ut1:dating: shrink is not a known key; did you mean" in text
    assert "lists.toml:16: change ut1:sects: ut1:sects is not known; did you mean ut1:sect" in text


def test_a_list_is_found_by_its_own_word(path: Path) -> None:
    assert "did you mean" in faults_of(path, 'enabled = ["phishing"]\n')[0]


@pytest.mark.parametrize(
    "text",
    [
        "enabled = [",
        'enabled = "ut1:gambling"',
        "enabled = [1]",
        "enabled = { a = 1 }",
        "source = 3",
        "change = [1, 2]",
        "[source]\nx = 1",
        '[source."LOCAL:x"]\ntitle = "x"\nfile = "x"\ncategory = "gambling"',
        '[source."../x:y"]\ntitle = "x"\nfile = "x"\ncategory = "gambling"',
        '[change."ut1:games"]\ntitle = "Other"',
    ],
)
def test_what_cannot_be_understood_is_refused(path: Path, text: str) -> None:
    found = faults_of(path, text)
    assert found and all(line.startswith("lists.toml") for line in found)


def test_what_is_no_text_at_all_is_refused(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceFault, match="not UTF-8"):
        read(path)
    path.write_bytes(b"#" * (choices.FILE_OCTETS_MAX + 1))
    with pytest.raises(SourceFault, match="too large"):
        read(path)


def test_a_document_without_end_is_refused(path: Path) -> None:
    assert "nested too deeply" in faults_of(path, "x = " + "[" * 100_000)[0]


_VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["gambling", "essential", "illegal-abuse", "block", "suggest", "plain", "x"]),
    st.sampled_from(["https://lists.example/x", "http://[::1", "https://a:b@c/", "//x", "x\ny"]),
    st.lists(st.sampled_from(["example.com", "ut1:games", "", "="]), max_size=3),
    st.dictionaries(st.sampled_from(["", "a", "b"]), st.text(max_size=8), max_size=2),
)
_TABLES = st.dictionaries(
    st.sampled_from([*sources.SOURCE_KEYS, "enabled", "id", "x"]), _VALUES, max_size=6
)
_IDS = st.sampled_from(["ut1:games", "ut1:jobsearch", "iwf:domains", "local:own", "LOCAL", "a:.."])


@settings(max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from(["enabled", "source", "change", "x"]),
        st.one_of(_VALUES, st.dictionaries(_IDS, st.one_of(_TABLES, _VALUES), max_size=3)),
    )
)
def test_whatever_is_written_is_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]
) -> None:
    """And what is taken keeps the promises about essentials and locked categories."""
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    try:
        chosen = read(path)
    except SourceFault as fault:
        assert fault.faults and all(line.startswith("any.toml") for line in fault.faults)
        return
    for source in chosen.sources.values():
        assert source.trust == "suggest" or "essential" not in source.categories.values()
    assert "illegal-abuse" in chosen.sources["iwf:domains"].categories.values()


def test_too_many_enabled_are_refused(path: Path) -> None:
    many = ", ".join('"ut1:games"' for _ in range(choices.ENABLED_MAX + 1))
    assert "allowed are 200" in faults_of(path, f"enabled = [{many}]")[0]


# -- promises that a change cannot break


def test_a_list_of_essentials_stays_one_that_suggests(path: Path) -> None:
    found = faults_of(path, '[change."ut1:jobsearch"]\ntrust = "block"\n')
    assert "30,300" in found[0]
    found = faults_of(path, '[change."ut1:jobsearch"]\ntrust = "block"\ncategory = "games"\n')
    assert "may only suggest" in found[0]


def test_a_locked_list_stays_locked_and_whole(path: Path) -> None:
    given = '[change."iwf:domains"]\nfile = "iwf.txt"\n'
    path.write_text(given, encoding="utf-8")
    assert read(path).sources["iwf:domains"].categories == {"": "illegal-abuse"}
    assert "stays so" in faults_of(path, given + 'category = "adult"\n')[0]
    assert "locked category" in faults_of(path, given + 'trust = "suggest"\n')[0]
    assert "nothing is left out" in faults_of(path, given + 'drop = ["example.com"]\n')[0]


def test_a_list_for_suggestions_may_be_trusted_by_a_decision(path: Path) -> None:
    path.write_text('[change."chigh:hate"]\ntrust = "block"\n', encoding="utf-8")
    assert read(path).sources["chigh:hate"].trust == "block"


# -- commands


def test_enabling_keeps_comments_and_order(path: Path) -> None:
    chosen = choices.enable(path, ["dibdot:doh", "ut1:gambling"], catalogue=CATALOGUE)
    assert chosen.sources["dibdot:doh"].enabled
    text = path.read_text(encoding="utf-8")
    for comment in ("# Lists of the college", "# since May", "# kept by", "# beside this file"):
        assert comment in text
    assert text.count('"ut1:gambling"') == 2  # in `enabled` once, and its change
    assert text.index("dibdot:doh") < text.index("[source.")


def test_enabling_what_is_enabled_does_not_touch_the_file(path: Path) -> None:
    before = path.stat()
    choices.enable(path, ["ut1:gambling"], catalogue=CATALOGUE)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino


def test_disabling_keeps_comments(path: Path) -> None:
    chosen = choices.disable(path, ["ut1:gambling", "ut1:games"], catalogue=CATALOGUE)
    assert [source.id for source in chosen.enabled] == ["local:own"]
    text = path.read_text(encoding="utf-8")
    assert "Ask Jo before you change them" in text
    assert '[change."ut1:gambling"]' in text


def test_what_is_said_twice_is_done_once(path: Path) -> None:
    before = path.read_text(encoding="utf-8")
    choices.enable(path, ["ut1:games", "ut1:games"], catalogue=CATALOGUE)
    choices.disable(path, ["ut1:games", "ut1:games"], catalogue=CATALOGUE)
    choices.disable(path, ["ut1:games"], catalogue=CATALOGUE)
    assert [one.id for one in read(path).enabled] == ["ut1:gambling", "local:own"]
    assert "# since May" in path.read_text(encoding="utf-8") and "# since May" in before


def test_the_first_command_makes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "state" / "lists.toml"
    choices.enable(path, ["ut1:gambling"], catalogue=CATALOGUE)
    assert [source.id for source in read(path).enabled] == ["ut1:gambling"]
    choices.disable(path, ["ut1:gambling"], catalogue=CATALOGUE)
    assert read(path).enabled == ()


def test_enabling_in_a_file_that_has_tables_only(path: Path) -> None:
    path.write_text('# mine\n[change."ut1:gambling"]\nrefresh_hours = 48\n', encoding="utf-8")
    chosen = choices.enable(path, ["ut1:gambling"], catalogue=CATALOGUE)
    assert chosen.sources["ut1:gambling"].enabled
    assert chosen.sources["ut1:gambling"].refresh_hours == 48
    assert "# mine" in path.read_text(encoding="utf-8")


def test_a_list_of_ones_own_comes_and_goes(path: Path) -> None:
    keys = {"title": "Library", "url": "https://lists.example/x", "category": "games"}
    chosen = choices.add(path, "local:library", keys, catalogue=CATALOGUE)
    assert not chosen.sources["local:library"].enabled
    choices.enable(path, ["local:library"], catalogue=CATALOGUE)
    chosen = choices.remove(path, "local:library", catalogue=CATALOGUE)
    assert "local:library" not in chosen.sources
    assert "local:library" not in path.read_text(encoding="utf-8")
    chosen = choices.remove(path, "local:own", catalogue=CATALOGUE)
    assert [source.id for source in chosen.enabled] == ["ut1:gambling"]


def test_commands_say_what_they_refuse_and_change_nothing(path: Path) -> None:
    sound = {"title": "X", "file": "x.txt", "category": "games"}
    assert "did you mean ut1:games" in refusal(path, choices.enable, ["ut1:game"])
    assert "template" in refusal(path, choices.enable, ["iwf:domains"])
    assert "did you mean ut1:games" in refusal(path, choices.disable, ["ut1:game"])
    assert "is there already" in refusal(path, choices.add, "local:own", sound)
    assert "in the catalogue" in refusal(path, choices.add, "ut1:games", sound)
    assert "url and file are missing" in refusal(
        path, choices.add, "local:x", {"title": "X", "category": "games"}
    )
    assert "the id" in refusal(path, choices.add, "x", sound)
    assert "in the catalogue" in refusal(path, choices.remove, "ut1:gambling")
    assert "did you mean local:own" in refusal(path, choices.remove, "local:ow")


def test_a_faulty_file_is_left_alone_by_commands(path: Path) -> None:
    path.write_text('enabled = ["ut1:nothing"]\n', encoding="utf-8")
    assert "ut1:nothing" in refusal(path, choices.enable, ["ut1:gambling"])


def test_a_locked_list_cannot_be_switched_off_by_a_command(path: Path) -> None:
    path.write_text(
        '[change."iwf:domains"]\nfile = "iwf.txt"\n\n[source."local:police"]\ntitle = "Police"\n'
        'file = "police.txt"\ncategory = "illegal-terrorism"\n',
        encoding="utf-8",
    )
    choices.enable(path, ["iwf:domains", "local:police"], catalogue=CATALOGUE)
    said = refusal(path, choices.disable, ["iwf:domains"])
    assert "illegal-abuse, which nobody switches off by a command" in said
    assert "by hand and keep a note of who decided" in said and str(path) in said
    assert "illegal-terrorism" in refusal(path, choices.remove, "local:police")


def test_the_mode_of_the_file_stays(path: Path) -> None:
    path.chmod(0o640)
    choices.enable(path, ["dibdot:doh"], catalogue=CATALOGUE)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    choices.enable(link, ["dibdot:doh"], catalogue=CATALOGUE)
    assert link.is_symlink() and "dibdot:doh" in path.read_text(encoding="utf-8")


def test_a_folder_in_the_files_place_is_said(tmp_path: Path) -> None:
    path = tmp_path / "lists.toml"
    path.mkdir()
    with pytest.raises(SourceFault, match="a readable file"):
        read(path)
