"""Where decisions are made: the store of one configuration, and the desk before it.

What the desk wants to know of names (which are essential, which are listed) comes from the lists
that ship and from the index. Each method opens the store, does one thing and closes it again: a
command line has no use for more. All of them raise `policy.store.StoreFault`.
"""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from blocklists import starters
from categoriser import taxonomy
from categoriser.indexfile import IndexFault, open_index
from categoriser.matches import CategoryIndex, CategoryTable
from categoriser.names import NameFault, from_text, spell
from categoriser.patterns import Pattern, PatternTable
from categoriser.taxonomy import Taxonomy
from lychgate.config import Configuration
from policy.commands.command import Actor, Command, Done, Knowledge, Refused
from policy.commands.desk import Desk
from policy.document import Builder
from policy.entries import KEYS, Kind
from policy.people import read_people
from policy.policy import Policy
from policy.reading import Faults, Table
from policy.store import Store, StoreFault
from policy.store.engine import read_url, shown
from policy.store.reading import read_keys
from policy.store.rows import TABLES
from policy.types import Grant
from resolver.answers import KINDS

T = TypeVar("T")

PLACES: Final = tuple(key for key in KEYS if key not in ("rules", "exceptions"))
"""The parts of a document that are small."""


class Office:
    """The decisions of one installation."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration: Final = configuration
        self.url: Final = configuration.store_url
        self.policy_file: Final = configuration.policy_file
        """The document that rules instead of the store; None: the store does."""

    @property
    def where(self) -> str:
        """How people call the store: its path, or its address without the password."""
        return shown(read_url(self.url))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What somebody who changes the store should know."""
        if self.policy_file is None:
            return ()
        return (
            f"{self.policy_file} rules as long as filter.policy in {self._configuration.name} "
            "names it: what the store says changes nothing for anybody",
        )

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The categories there are."""
        return taxonomy.load()

    def perform(
        self, command: Command, *, person: str | None, at: float, dry_run: bool = False
    ) -> Done:
        """Hand a command in, for a person of the store or for whoever sits at this machine.

        Raises `Refused`.
        """

        async def hand_in(store: Store) -> Done:
            actor = at_the_machine() if person is None else await _person(store, person)
            desk = Desk(store, self.taxonomy, tuple(KINDS), self.knowledge)
            return await desk.perform(actor, command, at=at, dry_run=dry_run)

        return self._with_store(hand_in)

    def raw(self, keys: Collection[str] = tuple(KEYS)) -> dict[str, Any]:
        """These keys of the raw document, in the shape of policy.toml."""
        return self.ask(lambda connection: read_keys(connection, keys))

    def policy(self, keys: Collection[str] = tuple(KEYS)) -> Policy:
        """The policy of these keys. Raises `policy.document.PolicyFault`."""
        return self.build(self.raw(keys))

    def build(self, raw: dict[str, Any], where: str = "store") -> Policy:
        """The policy of a raw document. Raises `policy.document.PolicyFault`."""
        return Builder(self.taxonomy, where, KINDS).build(raw, fingerprint="")

    def zone(self) -> ZoneInfo:
        """The organisation's clock."""
        organisation = self.raw(["organisation"]).get("organisation", {})
        try:
            return ZoneInfo(organisation.get("timezone", "Europe/London"))
        except (ZoneInfoNotFoundError, ValueError, OSError):  # told by whoever reads the policy
            return ZoneInfo("UTC")

    def ask(self, question: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Put a question to the store, in one read transaction."""

        async def put(store: Store) -> T:
            async with store.reading() as connection:
                return await question(connection)

        return self._with_store(put)

    def numbered(self, kind: Kind, number: int) -> dict[str, Any]:
        """The body of a rule or an exception. Raises `Refused` when there is none."""

        async def find(connection: AsyncConnection) -> str | None:
            table = TABLES[kind]
            body = select(table.c.body).where(table.c.id == number)
            found: str | None = await connection.scalar(body)
            return found

        body = self.ask(find)
        if body is None:
            see = f"`lychgate {kind.removesuffix('s')} list` shows which there are"
            raise Refused(f"NUMBER: there is no {kind.removesuffix('s')} {number}; {see}")
        decoded: dict[str, Any] = msgspec.json.decode(body)
        return decoded

    def check(self) -> tuple[str, ...]:
        """What the database finds wrong with itself."""
        return self._with_store(lambda store: store.check())

    def create(self) -> None:
        """Make the store, holding the policy that ships. Raises `Refused` when it is there."""
        self.require_absent()
        self._open_or_make()

    def require_absent(self) -> None:
        """Raise `Refused` when there is a store."""
        if self.is_there():
            fills = "`lychgate policy import` puts another policy into it"
            raise Refused(f"{self.where}: there is a store already; {fills}")

    def require_present(self) -> None:
        """Raise `StoreFault` when there is no store of any version."""
        if not self.is_there():
            raise self._nothing()

    def _open_or_make(self) -> None:
        file = self._configuration.store_file
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)

        async def make() -> None:
            await (await Store.open(self.url, create=True)).close()

        asyncio.run(make())

    def is_there(self) -> bool:
        """Whether there is a store of any version."""
        file = self._configuration.store_file
        if file is not None:
            return file.exists()
        from policy.store.migrating import current

        return asyncio.run(current(self.url)) is not None

    def _with_store(self, do: Callable[[Store], Awaitable[T]]) -> T:
        async def run() -> T:
            store = await Store.open(self.url)
            try:
                return await do(store)
            finally:
                await store.close()

        try:
            return asyncio.run(run())
        except StoreFault as fault:
            if fault.kind == "gone":
                raise self._nothing() from None
            raise

    def _nothing(self) -> StoreFault:
        return StoreFault("gone", self.where, "no store yet", "`lychgate store create` makes one")

    @cached_property
    def shipped_essentials(self) -> tuple[str, ...]:
        """Essential sites that come with the code."""
        essential = {id for id, entry in self.taxonomy.items() if entry.essential}
        return tuple(
            pattern.text
            for pattern, match in starters.load_patterns()
            if match.category in essential and not match.keyword
        )

    @cached_property
    def knowledge(self) -> Knowledge:
        """What commands may ask about names."""
        return Knowledge(self._essential_matches, self._categories_of)

    def _essential_matches(self, pattern: Pattern) -> Sequence[str]:
        """Shipped essentials that a pattern would close, wholly or in part."""
        if pattern.kind == "domain":  # nearly all of a file of 5,000
            found = list(self._essentials_below.get(pattern.text, ()))
        else:
            closes = PatternTable([(pattern, True)]).find_values
            found = [site for site in self.shipped_essentials if closes(_forward(_example(site)))]
        found += self._essentials.find_values(_forward(_example(pattern.text)))
        return tuple(dict.fromkeys(found))

    def _categories_of(self, name: str) -> Sequence[str]:
        """Categories that the starter lists and the index have a name in."""
        try:
            matches = self._index.categorise(from_text(name))
        except NameFault:
            return ()
        return tuple(dict.fromkeys(match.category for match in matches if not match.keyword))

    @cached_property
    def _essentials(self) -> PatternTable[str]:
        patterns = map(Pattern.parse, self.shipped_essentials)
        return PatternTable((pattern, pattern.text) for pattern in patterns)

    @cached_property
    def _essentials_below(self) -> dict[str, list[str]]:
        """By each name the essential sites at it and below it."""
        below: dict[str, list[str]] = {}
        for site in self.shipped_essentials:
            name = _example(site)
            while name:
                below.setdefault(name, []).append(site)
                name = name.partition(".")[2]
        return below

    @cached_property
    def _index(self) -> CategoryIndex:
        tables: list[CategoryTable] = [starters.load_table()]
        with suppress(IndexFault, OSError):  # none yet, or `check-config` tells about it
            tables.append(open_index(self._configuration.index_file))
        return CategoryIndex(tables)


def at_the_machine() -> Actor:
    """Whoever may write the file of the store: the administrator."""
    account = _account()
    return Actor(f"cli:{account}", account, "cli", (Grant("administrator"),))


def _account() -> str:
    """The account of the operating system; behind sudo that of the person."""
    person = os.environ.get("SUDO_USER", "")
    if person and os.geteuid() == 0:  # only root could lie, who could write the store as well
        return person
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in a container
        return str(os.geteuid())


async def _person(store: Store, id: str) -> Actor:
    """A person of the store, with their roles. Raises `Refused`."""
    async with store.reading() as connection:
        raw = await read_keys(connection, ["people", "venues"])
    people = read_people(Table(raw, "", Faults("store")), raw.get("venues", {}))
    if id not in people:
        faults = Faults("--as")
        faults.unknown("", id, "person", people)
        raise Refused(*faults.lines)
    person = people[id]
    return Actor(person.id, person.name, "cli", person.roles)


def _example(pattern: str) -> str:
    """A name that a pattern matches."""
    name = pattern.removeprefix("=")
    if name.startswith("*."):
        name = f"www.{name[2:]}"
    return f"{name[:-2]}.example" if name.endswith(".*") else name


def _forward(name: str) -> str:
    return spell(from_text(name)).forward


def backup(configuration: Configuration, to: Path) -> None:
    """Copy the store of a configuration to a new file. Raises `StoreFault`."""
    from policy.store import backup as copy

    try:
        asyncio.run(copy(configuration.store_url, to))
    except StoreFault as fault:
        if fault.kind == "gone":
            raise Office(configuration)._nothing() from None
        raise
