"""What several nouns of the API share: what came of a command, who may read, bodies as sent."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict

from policy.commands.command import Command
from portal.accounts.visits import Visit
from portal.identity import Allowed, perform

Reading = Annotated[Visit, Depends(Allowed("policy.read"))]
"""Whoever may read the policy; a token needs the scope `read`."""

DryRun = Annotated[bool, Query(description="Only say what would happen.")]


class Body(BaseModel):
    """What is sent: the keys of the policy document, and no others."""

    model_config = ConfigDict(extra="forbid")

    def written(self) -> dict[str, Any]:
        """The keys that were sent; null takes a key away where something is changed."""
        return self.model_dump(exclude_unset=True, by_alias=True)


class Outcome(BaseModel):
    """What came of a command, or would."""

    subject: str
    """What it was done to: `venue:crewe`."""
    sentences: list[str]
    """What changes for whom."""
    warnings: list[str]
    audit_number: int | None
    """Its entry in the audit log; null for a dry run, and when nothing changed."""


async def outcome(request: Request, command: Command, dry_run: bool) -> Outcome:
    """Hand a command in; faults come out by themselves."""
    done = await perform(request, command, dry_run=dry_run)
    return Outcome(
        subject=done.subject,
        sentences=list(done.sentences),
        warnings=list(done.warnings),
        audit_number=done.audit_number,
    )


def there(id: str, known: Collection[str]) -> None:
    """Answer 404 unless there is such a thing."""
    if id not in known:
        raise HTTPException(404)
