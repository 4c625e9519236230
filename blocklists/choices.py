"""What one installation does with the catalogue: its `lists.toml`.

```toml
enabled = ["ut1:gambling", "local:own"]

[source."local:own"]       # a list of its own, with the keys of the catalogue
title = "Our own list"
file = "own.txt"
category = "gambling"

[change."ut1:gambling"]    # keys of a catalogue entry that are different here
refresh_hours = 48
```

People edit the file and so do commands, which keep its comments and order. A command first checks
what the file would be, all of it, and replaces it in one step or not at all. Without a file nothing
is enabled.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError

from blocklists import sources
from blocklists.sources import Catalogue, Source, SourceFault, shown, unknown
from blocklists.writing import replacing
from categoriser import taxonomy as taxonomies
from categoriser.taxonomy import Taxonomy

FILE_OCTETS_MAX: Final = 1_000_000
ENABLED_MAX: Final = 200  # each is a metric's label, a folder, and a job at each refresh
OWN_MAX: Final = 200

_NOT_CHANGED: Final = ("title", "publisher")  # by these the catalogue's entry is known


@dataclass(frozen=True)
class Choices:
    """Every source there is for one installation, by id, with `enabled` as chosen; paths of files
    are absolute.
    """

    sources: Mapping[str, Source]

    @property
    def enabled(self) -> tuple[Source, ...]:
        """Those in use, in the order of the catalogue, own ones last."""
        return tuple(source for source in self.sources.values() if source.enabled)


def read_choices(
    path: Path, catalogue: Catalogue | None = None, taxonomy: Taxonomy | None = None
) -> Choices:
    """What `lists.toml` makes of the catalogue (that which ships, unless given). Raises
    `SourceFault` with every fault of the file.
    """
    house = _House(path, catalogue, taxonomy)
    return house.read(house.text())


def enable(path: Path, ids: Sequence[str], *, catalogue: Catalogue | None = None) -> Choices:
    """Use these sources from the next refresh on. Raises `SourceFault`; then the file is as it
    was.
    """
    return _rewrite(path, catalogue, lambda house, document: house.enable(document, ids))


def disable(path: Path, ids: Sequence[str], *, catalogue: Catalogue | None = None) -> Choices:
    """Use these sources no longer; refused for a source of a locked category. Raises `SourceFault`;
    then the file is as it was.
    """
    return _rewrite(path, catalogue, lambda house, document: house.disable(document, ids))


def add(
    path: Path, word: str, keys: Mapping[str, Any], *, catalogue: Catalogue | None = None
) -> Choices:
    """Write down a source of one's own, not yet enabled. Raises `SourceFault`; then the file is as
    it was.
    """
    return _rewrite(path, catalogue, lambda house, document: house.add(document, word, keys))


def remove(path: Path, word: str, *, catalogue: Catalogue | None = None) -> Choices:
    """Forget a source of one's own. Raises `SourceFault`; then the file is as it was."""
    return _rewrite(path, catalogue, lambda house, document: house.remove(document, word))


class _House:
    """One `lists.toml` with what is needed to understand it."""

    def __init__(
        self, path: Path, catalogue: Catalogue | None, taxonomy: Taxonomy | None = None
    ) -> None:
        self.path = path
        self.taxonomy = taxonomy or taxonomies.load()
        self.catalogue = sources.load(self.taxonomy) if catalogue is None else catalogue

    def text(self) -> str:
        """What is in the file; nothing if there is none."""
        try:
            with self.path.open("rb") as file:
                octets = file.read(FILE_OCTETS_MAX + 1)
            text = octets.decode("utf-8")
        except FileNotFoundError:
            return ""
        except OSError as fault:
            raise SourceFault([f"{self.path}: {fault.strerror}; a readable file"]) from None
        except UnicodeDecodeError:
            raise SourceFault([f"{self.path}: not UTF-8; a TOML document is needed"]) from None
        if len(octets) > FILE_OCTETS_MAX:
            raise SourceFault([f"{self.path}: too large; allowed are {FILE_OCTETS_MAX} octets"])
        return text

    def read(self, text: str) -> Choices:
        """The meaning of a text."""
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as fault:
            raise SourceFault([f"{self.path.name}: {fault}; a TOML document is needed"]) from None
        except RecursionError:
            raise SourceFault(
                [f"{self.path.name}: nested too deeply; three levels are needed"]
            ) from None
        faults: list[str] = []
        for key in document:
            if key not in ("enabled", "source", "change"):
                faults.append(
                    f"{self._at(text, key)}: {key} is not a known key; allowed are enabled,"
                    " [source.ID] and [change.ID]"
                )
        found = dict(self.catalogue)
        for word, change in self._tables(document, "change", text, faults):
            at = f"{self._at(text, 'change', word)}: change {word}"
            source, more = self._changed(word, change, at)
            faults += more
            if source is not None:
                found[word] = source
        own = dict(self._tables(document, "source", text, faults))
        for word, keys in own.items():
            at = f"{self._at(text, 'source', word)}: source {word}"
            source, more = self._own(word, keys, at)
            faults += more
            if source is not None:
                found[word] = source
        known = {*found, *own}  # a faulty one is not also an unknown one
        chosen, more = self._enabled(document.get("enabled", []), known, self._at(text, "enabled"))
        for word in chosen:
            if word in found and found[word].template:
                more.append(
                    f"{self._at(text, 'enabled')}: enabled: {word} is a template; give its file or"
                    f' url under [change."{word}"]'
                )
        if faults + more:
            raise SourceFault(faults + more)
        return Choices(
            {
                word: dataclasses.replace(
                    source,
                    enabled=word in chosen,
                    file=self._absolute(source.file),
                    credential=self._absolute(source.credential),
                )
                for word, source in found.items()
            }
        )

    def enable(self, document: tomlkit.TOMLDocument, ids: Sequence[str]) -> None:
        """What cannot be enabled, such as a template, is found when the result is read."""
        there = self.read(tomlkit.dumps(document)).sources
        if faults := [f"enable: {unknown(word, there)}" for word in ids if word not in there]:
            raise SourceFault(faults)
        if "enabled" not in document:
            document["enabled"] = tomlkit.array()
        chosen = document["enabled"]
        for word in ids:
            if word not in chosen:
                chosen.append(word)

    def disable(self, document: tomlkit.TOMLDocument, ids: Sequence[str]) -> None:
        there = self.read(tomlkit.dumps(document)).sources
        faults = []
        for word in ids:
            if word not in there:
                faults.append(f"disable: {unknown(word, there)}")
            elif there[word].enabled:
                faults += self._locked("disable", there[word])
        if faults:
            raise SourceFault(faults)
        for word in dict.fromkeys(ids):
            if there[word].enabled:
                document["enabled"].remove(word)

    def add(self, document: tomlkit.TOMLDocument, word: str, keys: Mapping[str, Any]) -> None:
        if word in document.get("source", {}):
            raise SourceFault([f"add: {word} is there already; remove it first, or edit the file"])
        if "source" not in document:
            document["source"] = tomlkit.table(is_super_table=True)
        table = tomlkit.table()
        table.update(dict(keys))
        document["source"][word] = table

    def remove(self, document: tomlkit.TOMLDocument, word: str) -> None:
        there = self.read(tomlkit.dumps(document)).sources
        own = document.get("source", {})
        if word in self.catalogue:
            raise SourceFault([f"remove: {word} is in the catalogue; `lychgate lists disable`"])
        if word not in own:
            raise SourceFault([f"remove: {unknown(word, own)}"])
        if there[word].enabled:
            if faults := self._locked("remove", there[word]):
                raise SourceFault(faults)
            document["enabled"].remove(word)
        del own[word]
        if not own:
            del document["source"]

    def _tables(
        self, document: Mapping[str, Any], key: str, text: str, faults: list[str]
    ) -> Iterator[tuple[str, Any]]:
        tables = document.get(key, {})
        if not isinstance(tables, dict):
            faults.append(f"{self._at(text, key)}: {key} = {shown(tables)}; allowed is [{key}.ID]")
        elif len(tables) > OWN_MAX:
            faults.append(f"{self._at(text, key)}: {len(tables)} tables; allowed are {OWN_MAX}")
        else:
            yield from tables.items()

    def _changed(self, word: str, change: Any, at: str) -> tuple[Source | None, list[str]]:
        """The catalogue's source with these keys instead of its own."""
        before = self.catalogue.get(word)
        if before is None:
            return None, [f"{at}: {unknown(word, self.catalogue)}"]
        allowed = {
            key: rule for key, rule in sources.SOURCE_KEYS.items() if key not in _NOT_CHANGED
        }
        faults = sources.table_faults(at, change, allowed)
        if faults:
            return None, faults
        keys = _keys_of(before)
        for either, other in (("url", "file"), ("file", "url"), ("category", "categories")):
            if change.get(either):
                keys.pop(other, None)
        if "url" in change:
            keys.pop("url_checked", None)
        source, faults = sources.make(word, {**keys, **change}, self.taxonomy, at)
        if source is None:
            return None, faults
        return source, [f"{at}: {fault}" for fault in self._not_allowed(before, source)]

    def _not_allowed(self, before: Source, after: Source) -> Iterator[str]:
        """Changes that would break a promise, each sound by itself."""
        used_to = before.categories.values()
        if after.trust == "block" and any(self.taxonomy[word].essential for word in used_to):
            yield "trust = block; a list of essentials may only suggest, whatever its category"
        locked = before.locked(self.taxonomy)
        if not set(locked) <= set(after.categories.values()):
            yield f"categories; this list feeds the locked {', '.join(locked)} and stays so"
        if locked and after.drop:
            yield "drop; nothing is left out of a list of a locked category"

    def _own(self, word: str, keys: Any, at: str) -> tuple[Source | None, list[str]]:
        if word in self.catalogue:
            return None, [f'{at}: is in the catalogue; allowed is [change."{word}"]']
        source, faults = sources.make(word, keys, self.taxonomy, at)
        if source is not None and source.template:
            return None, [f"{at}: url and file are missing; one of them is needed"]
        return source, faults

    def _enabled(self, words: Any, known: set[str], at: str) -> tuple[tuple[str, ...], list[str]]:
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            return (), [f"{at}: enabled = {shown(words)}; allowed is a list of ids"]
        if len(words) > ENABLED_MAX:
            return (), [f"{at}: {len(words)} sources enabled; allowed are {ENABLED_MAX}"]
        faults = [f"{at}: enabled: {unknown(word, known)}" for word in words if word not in known]
        twice = sorted({word for word in words if words.count(word) > 1})
        faults += [f"{at}: enabled: {word} is given twice; once is enough" for word in twice]
        return tuple(words), faults

    def _locked(self, command: str, source: Source) -> list[str]:
        """Why a command may not do this to a source of a locked category."""
        locked = source.locked(self.taxonomy)
        if not locked:
            return []
        return [
            f"{command}: {source.id} feeds the locked category {', '.join(locked)}, which nobody"
            f" switches off by a command; when its licence has ended, take it out of {self.path}"
            " by hand and keep a note of who decided"
        ]

    def _absolute(self, name: str) -> str:
        """Paths are relative to the file they stand in."""
        return str(self.path.parent.absolute() / name) if name else ""

    def _at(self, text: str, *keys: str) -> str:
        """The file, and the line where a key or table starts, as far as plain search finds it."""
        if len(keys) == 1:
            pattern = rf'(?:\[?\s*)"?{re.escape(keys[0])}"?\s*[=.\]]'
        else:
            pattern = rf'\[\s*{keys[0]}\s*\.\s*["\']?{re.escape(keys[1])}["\']?\s*\]'
        for number, line in enumerate(text.splitlines(), 1):
            if re.match(rf"\s*{pattern}", line):
                return f"{self.path.name}:{number}"
        return self.path.name


def _keys_of(source: Source) -> dict[str, Any]:
    """The table that would make this source; its inherited keys are written out."""
    values = source.to_json()
    found = {key: values[key] for key in sources.SOURCE_KEYS if values.get(key) not in (None, "")}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in found.items()}


def _rewrite(
    path: Path,
    catalogue: Catalogue | None,
    change: Callable[[_House, tomlkit.TOMLDocument], None],
) -> Choices:
    """Read, change, check, replace; one command at a time."""
    house = _House(path, catalogue)
    try:
        with _alone(path.parent):
            before = house.text()
            house.read(before)
            document = tomlkit.parse(before)
            change(house, document)
            after = tomlkit.dumps(document)
            choices = house.read(after)
            if after != before:
                with replacing(path.resolve()) as file:  # a link stays one
                    file.write(after)
    except OSError as fault:
        raise SourceFault([f"{path}: {fault.strerror}; a file that can be written"]) from None
    except TOMLKitError as fault:
        raise SourceFault([f"{path}: {fault}; a TOML document that can be rewritten"]) from None
    return choices


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, so that two commands do not undo each other's change."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
