"""Importing a document makes the store say the same, and touches nothing else."""

from __future__ import annotations

import asyncio
import copy
import tomllib
from typing import Any

from policy.comparing import difference
from policy.document import default_text
from policy.exporting import to_toml
from policy.store import Store
from policy.store.importing import replace_document

from .college import RAW, built, meaning


def test_what_is_the_same_is_left_alone(store_url: str) -> None:
    async def story() -> None:
        store = await Store.open(store_url, create=True)
        async with store.writing() as writing:
            changes = await replace_document(writing, RAW)
            assert {change.kind for change in changes if change.before is not None} == {
                "organisation",
                "profiles",
                "venues",
            }
            await writing.put("essentials", "=portal.example", {"reason": "enrolment"})
        first = await store.document()
        async with store.writing() as writing:
            assert await replace_document(writing, RAW) == ()
            assert await replace_document(writing, tomllib.loads(to_toml(first.raw))) == ()
            assert await writing.get("essentials", "=portal.example") == {"reason": "enrolment"}
        assert await store.document(first) == first

        changed: dict[str, Any] = copy.deepcopy(RAW)
        changed["rules"].insert(0, {"action": "deny", "pattern": "a.example", "reason": "new"})
        changed["rules"][1]["reason"] = "another course"
        del changed["rules"][2], changed["pages"], changed["people"]
        changed["terms"][0]["name"] = "summer"
        async with store.writing() as writing:
            await replace_document(writing, changed)
        second = await store.document(first)
        assert difference(second.raw, changed) == ()
        assert {rule["id"]: rule["reason"] for rule in second.raw["rules"]} == {
            1: "another course",
            3: "homework",
            4: "new",
        }
        kept = {key for key in first.raw if first.raw[key] is second.raw.get(key)}
        assert kept == set(RAW) - {"rules", "pages", "people", "terms"}
        await store.close()

    asyncio.run(story())


def test_there_and_back(store_url: str) -> None:
    """Everything is removed, in an order that the references allow, and put again."""

    async def story() -> None:
        store = await Store.open(store_url, create=True)
        default = tomllib.loads(default_text())
        for raw in (RAW, default, RAW):
            async with store.writing() as writing:
                await replace_document(writing, raw)
            stored = (await store.document()).raw
            assert difference(stored, raw) == difference(raw, stored) == ()
            assert meaning(built(stored)) == meaning(built(raw))
        await store.close()

    asyncio.run(story())
