"""Deciding requests for review: a rule, an exception, a word of explanation, or somebody else.

What a decision makes (a rule, an exception) it makes by the command of that noun, within the same
transaction and with that command's own permission; both are in the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal, get_args

from policy.commands import journal
from policy.commands.command import Change, Command, Permission, Refused, Situation
from policy.commands.exceptions import GrantException
from policy.commands.permissions import check
from policy.commands.requests import body_of, sweep, venues_of
from policy.commands.rules import AddRules
from policy.commands.scopes import widest
from policy.policy import Policy
from policy.reading import Faults, show
from policy.requests import Outcome, ReviewRequest
from policy.store import requests as kept
from policy.store.writing import Writing

Verdict = Literal["allow", "open", "keep", "deny", "forward"]
"""`allow` and `deny` by a rule; `open` by an exception; `keep` it as it is; `forward` it."""

VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)

OUTCOME_OF: Final[dict[Verdict, Outcome]] = {
    "allow": "allowed",
    "open": "opened",
    "keep": "kept",
    "deny": "denied",
}

ADMINISTRATORS: Final = "administrators"
LIST: Final = "list:"
FORWARDED_CHARACTERS_MAX: Final = 100

_FITTING: Final[dict[str, tuple[Verdict, ...]]] = {
    "open": ("allow", "open", "keep", "forward"),
    "close": ("deny", "keep", "forward"),
}


@dataclass(frozen=True, slots=True)
class DecideRequest:
    """Decide a request, or pass it on."""

    action: ClassVar[str] = "request.decide"
    number: int
    verdict: Verdict
    reason: str
    """Why; whoever asked can read it."""
    scope: str = ""
    """For whom the rule, or where the exception, is."""
    review: str = ""
    """When to look at the rule again, `2027-03-01`; required for a rule."""
    until: float | None = None
    """The end of the exception, POSIX seconds."""
    bundle: str = ""
    """A bundle to open in place of the site alone."""
    to: str = ADMINISTRATORS
    """Where it is forwarded: `administrators`, or `list:ID`, whose maintainers were told."""
    override: bool = False
    """As `AddRules` has it."""

    def permission(self, situation: Situation) -> Permission:
        """The venue is in the store: asked for as soon as it is read."""
        return widest(situation, self.action)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses what is decided already, what does not fit, and what its command refuses."""
        await sweep(writing, situation.at)
        before = await kept.find(writing.connection, self.number)
        if before is None:
            given = f"there is none with number {show(self.number)}"
            raise Refused(f"{self.action}: requests: {given}; allowed: one of /requests")
        check(situation.actor, Permission(self.action, venues_of(before, situation.policy)))
        self._check(situation, before)
        if self.verdict == "forward":
            after = replace(before, forwarded=self.to.strip(), note=self.reason.strip())
            inner = None
        else:
            inner = await self._make(writing, situation, before)
            after = replace(
                before,
                decided_at=situation.at,
                decided_by=situation.actor.id,
                outcome=OUTCOME_OF[self.verdict],
                answer=self.reason.strip(),
                made="" if inner is None else inner.subject,
            )
        await kept.put(writing.connection, after)
        body = body_of(after)
        if inner is not None:  # so that its texts are looked at as everybody's are
            body["with"] = inner.after
        warnings = () if inner is None else inner.warnings
        return Change(f"request:{self.number}", body_of(before), body, warnings)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What opens or closes for whom, and what whoever asked is told."""
        site, asked = change.after["site"], change.after["askers"]
        who = "Whoever asked reads" if asked == 1 else f"The {asked} who asked read"
        if self.verdict == "forward":
            to = self.to.strip()
            whither = "to administrators" if to == ADMINISTRATORS else f"to {to}"
            return [f"The request about {site} is passed on {whither}; it still waits."]
        said = f'{who}: "{change.after["answer"]}"'
        if self.verdict == "keep":
            stays = "blocked" if change.after["kind"] == "open" else "open"
            return [f"{site} stays {stays}: nothing changes.", said]
        inner, acting = self._inner(situation, change.after)
        made = Change("", None, change.after["with"])
        return [*inner.sentences(made, acting, after), said]

    def _check(self, situation: Situation, request: ReviewRequest) -> None:
        """Raise `Refused` unless the verdict fits the request, and says why."""
        faults = Faults(self.action)
        if not request.waits(situation.at):
            when = situation.words.instant(request.decided_at or request.last_asked_at)
            by = request.decided_by or "nobody: it lapsed"
            given = f"number {self.number} is over since {when} ({by})"
            faults.add("requests", given, "allowed: one that waits")
            raise Refused(*faults.lines)
        if not self.reason.strip():
            faults.add("reason", "nothing is given", "reason is required: whoever asked reads it")
        fitting = _FITTING[request.kind]
        if self.verdict not in fitting:
            allowed = f"allowed: {', '.join(fitting)}"
            faults.add("verdict", f"{show(self.verdict)} does not fit this request", allowed)
        if self.verdict in ("allow", "deny") and not self.review.strip():
            faults.add("review", "nothing is given", "a day to look again is required")
        if self.verdict in ("allow", "deny", "open") and not self.scope.strip():
            faults.add("scope", "nothing is given", "allowed: for whom, such as venue:crewe")
        if self.verdict == "open" and self.until is None:
            faults.add("until", "nothing is given", "an end is required")
        if self.verdict == "forward" and not _is_somebody(self.to.strip()):
            faults.add("to", f"{show(self.to)} is nobody", f"allowed: {ADMINISTRATORS}, list:ID")
        self._check_category(situation, request, faults)
        if faults.lines:
            raise Refused(*faults.lines)

    def _check_category(self, situation: Situation, request: ReviewRequest, faults: Faults) -> None:
        """Note what no rule, or no exception, can open: an answer must not promise it."""
        listed = [*situation.knowledge.categories_of(request.site), request.said.category or ""]
        categories = [
            situation.taxonomy[c] for c in dict.fromkeys(listed) if c in situation.taxonomy
        ]
        for category in categories:
            if self.verdict in ("allow", "open") and category.locked:
                given = f"{category.title} is locked: nobody can open it"
                faults.add("verdict", given, "allowed: keep, forward")
            elif self.verdict == "open" and category.action == "block" and not category.exemptible:
                given = f"{category.title} cannot be exempted"
                faults.add("verdict", given, "allowed: allow (a rule), keep, forward")

    async def _make(
        self, writing: Writing, situation: Situation, request: ReviewRequest
    ) -> Change | None:
        """The rule or the exception, entered in the audit log by itself."""
        if self.verdict == "keep":
            return None
        inner, acting = self._inner(situation, {"kind": request.kind, "site": request.site})
        check(situation.actor, inner.permission(acting))  # as the desk asks for it by itself
        change = await inner.apply(writing, acting)
        await journal.append(
            writing.connection,
            situation.actor,
            at=situation.at,
            action=inner.action,
            subject=change.subject,
            after=change.after,
            reason=f"request:{self.number}: {self.reason.strip()}",
        )
        return change

    def _inner(self, situation: Situation, body: dict[str, Any]) -> tuple[Command, Situation]:
        """The command that makes what is decided, and its situation."""
        inner: Command
        if self.verdict == "open":
            assert self.until is not None
            inner = GrantException(
                where=self.scope,
                purpose=self.reason,
                until=self.until,
                sites=() if self.bundle else (body["site"],),
                bundles=(self.bundle,) if self.bundle else (),
            )
        else:
            what = {"bundle": self.bundle} if self.bundle else {"pattern": body["site"]}
            rule = {
                "action": "allow" if self.verdict == "allow" else "deny",
                **what,
                "scope": self.scope,
                "review": self.review.strip(),
            }
            inner = AddRules([rule], self.reason, self.override)
        return inner, replace(situation, action=inner.action)


def _is_somebody(to: str) -> bool:
    """Whether a request can be forwarded there."""
    listed = to.startswith(LIST) and to != LIST and to.isprintable()
    return to == ADMINISTRATORS or (listed and len(to) <= FORWARDED_CHARACTERS_MAX)
