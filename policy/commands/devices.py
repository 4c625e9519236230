"""Devices: add, change, remove; withdraw access, and give it back.

The body of a device is what `policy.toml` has below `[devices.ID]`. Whether access is withdrawn has
commands of its own, for other people than those who keep the list of devices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, ClassVar, Final

from policy.commands.command import (
    Change,
    Permission,
    Refused,
    Situation,
    changed,
    known,
    require_absent,
)
from policy.commands.permissions import check
from policy.commands.phrases import joined
from policy.commands.references import release
from policy.commands.scopes import needed, require_instants, widest, written
from policy.entries import plain
from policy.policy import Policy
from policy.reading import Faults
from policy.store.writing import Writing
from policy.types import Device

DEVICES_MAX: Final = 20_000
"""Devices of an organisation."""

_ACCESS: Final = ("withdrawn", "withdrawn_until", "withdrawn_reason")


@dataclass(frozen=True, slots=True)
class AddDevice:
    """A machine that policy shall know, by address, client id or host name."""

    action: ClassVar[str] = "device.add"
    device: str
    body: Mapping[str, Any]
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """Of the venues its addresses lie in; what may turn up anywhere concerns everybody."""
        return Permission(self.action, _venues(situation, self.body))

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses an id that is taken, and addresses and names of another device."""
        devices = situation.raw.get("devices", {})
        require_absent(situation, "devices", self.device, devices)
        if len(devices) >= DEVICES_MAX:
            given = f"{len(devices)} are there"
            raise Refused(f"{self.action}: devices: {given}; allowed: up to {DEVICES_MAX}")
        _refuse_access(situation, self.body)
        body = plain(self.body)
        after = situation.build(devices={**devices, self.device: body})
        _require(situation, after.devices[self.device])
        await writing.put("devices", self.device, body)
        return Change(f"device:{self.device}", None, body)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """How it is known, and how it is filtered."""
        device = after.devices[self.device]
        return [
            f"{device.title} is known by {_known_by(device)}, and filtered {_as(device, after)}."
        ]


@dataclass(frozen=True, slots=True)
class ChangeDevice:
    """Another title, profile, or other addresses and names."""

    action: ClassVar[str] = "device.change"
    device: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    """New values by key; None takes a key away."""
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """Of the venues it is in, and of those it will be in."""
        before = situation.raw.get("devices", {}).get(self.device)
        if before is None:
            return widest(situation, self.action)
        old = situation.venues_of(f"device:{self.device}")
        new = _venues(situation, changed(before, self.changes))
        return Permission(self.action, None if old is None or new is None else old | new)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses addresses and names of another device."""
        before = known(situation, "devices", self.device, "device")
        _refuse_access(situation, self.changes)
        body = changed(before, plain(self.changes))
        after = situation.build(devices={**situation.raw["devices"], self.device: body})
        _require(situation, after.devices[self.device])
        if body != before:
            await writing.put("devices", self.device, body)
        return Change(f"device:{self.device}", before, body)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """How it is known and filtered now."""
        old, new = situation.policy.devices[self.device], after.devices[self.device]
        said = []
        if old.title != new.title:
            said.append(f"{old.title} is called {new.title}.")
        if _known_by(old) != _known_by(new):
            said.append(f"{new.title} is known by {_known_by(new)}; before by {_known_by(old)}.")
        was, now = _as(old, situation.policy), _as(new, after)
        if was != now:
            said.append(f"{new.title}: filtered {now} (before: {was}).")
        return said


@dataclass(frozen=True, slots=True)
class RemoveDevice:
    """Forget a device: it is then a client like others where it is."""

    action: ClassVar[str] = "device.remove"
    device: str
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """Of the venues it is in."""
        return needed(situation, self.action, f"device:{self.device}")

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses while rules or exceptions are for it."""
        before = known(situation, "devices", self.device, "device")
        ended = await release(writing, situation, f"device:{self.device}")
        await writing.remove("devices", self.device)
        warnings = list(ended.notes)
        if _is_withdrawn(situation.policy.devices[self.device], situation.at):
            warnings.append("Access was withdrawn from it: that ends with it.")
        return Change(f"device:{self.device}", {**before, **ended.part()}, None, tuple(warnings))

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What becomes of it."""
        device = situation.policy.devices[self.device]
        return [f"{device.title} is no device any more: it is filtered like others where it is."]


@dataclass(frozen=True, slots=True)
class WithdrawDevice:
    """Leave a device nothing but essential sites, for a reason, until an instant or for good."""

    action: ClassVar[str] = "device.withdraw"
    device: str
    reason: str
    until: float | None = None
    """POSIX seconds, to the second: access then comes back by itself."""

    def permission(self, situation: Situation) -> Permission:
        """Of the venues it is in."""
        return needed(situation, self.action, f"device:{self.device}")

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses an end that is past, and no reason at all."""
        before = known(situation, "devices", self.device, "device")
        faults = Faults(self.action)
        if not self.reason.strip():
            faults.add("reason", "nothing is given", "reason is required")
        if self.until is not None:
            require_instants(situation, self.until)
            if self.until // 1 <= situation.at:
                now, given = (situation.words.instant(at) for at in (situation.at, self.until))
                faults.add("until", f"{given} is past", f"allowed: after {now}, or none")
        if faults.lines:
            raise Refused(*faults.lines)
        access = {"withdrawn": True, "withdrawn_reason": self.reason.strip()}
        until = None if self.until is None else written(situation, self.until)
        body = changed(before, {**access, "withdrawn_until": until})
        if body != before:
            await writing.put("devices", self.device, body)
        return Change(f"device:{self.device}", before, body)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What is left, and until when."""
        device = after.devices[self.device]
        until = device.withdrawn_until
        end = "" if until == math.inf else f" until {situation.words.instant(until)}"
        return [f"{device.title}: only essential sites are open{end}."]


@dataclass(frozen=True, slots=True)
class GiveBackDevice:
    """Give a device the access back that was withdrawn."""

    action: ClassVar[str] = "device.give-back"
    device: str
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """Of the venues it is in."""
        return needed(situation, self.action, f"device:{self.device}")

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Nothing changes where nothing was withdrawn."""
        before = known(situation, "devices", self.device, "device")
        body = changed(before, dict.fromkeys(_ACCESS))
        if body != before:
            await writing.put("devices", self.device, body)
        return Change(f"device:{self.device}", before, body)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """How it is filtered again."""
        device = after.devices[self.device]
        if not _is_withdrawn(situation.policy.devices[self.device], situation.at):
            return [f"{device.title} had its access back already."]
        return [f"{device.title} has its access back, and is filtered {_as(device, after)}."]


def _venues(situation: Situation, body: Mapping[str, Any]) -> frozenset[str] | None:
    """The venues that a device of this body concerns; None: the whole organisation.

    The body was not checked yet: what is no address is left out, and is refused later.
    """
    if body.get("client_ids") or body.get("hostnames"):
        return None
    given = body.get("addresses")
    addresses = [text for text in given if _is_address(text)] if isinstance(given, list) else []
    return situation.venues_at(addresses)


def _require(situation: Situation, device: Device) -> None:
    """Ask for permission once more, now for what was understood: the reader is lenient."""
    understood = {
        "addresses": [str(address) for address in device.addresses],
        "client_ids": device.client_ids,
        "hostnames": device.hostnames,
    }
    check(situation.actor, Permission(situation.action, _venues(situation, understood)))


def _is_address(text: object) -> bool:
    if not isinstance(text, str):
        return False
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _refuse_access(situation: Situation, given: Mapping[str, Any]) -> None:
    keys = [key for key in _ACCESS if key in given]
    if keys:
        where = f"{situation.action}: {', '.join(keys)}"
        allowed = "allowed: device.withdraw and device.give-back"
        raise Refused(f"{where}: access has commands of its own; {allowed}")


def _is_withdrawn(device: Device, at: float) -> bool:
    return device.withdrawn and device.withdrawn_until > at


def _known_by(device: Device) -> str:
    """`10.20.3.7 and the host name it-suite-07`."""
    known_by = [str(address) for address in device.addresses]
    known_by += [f"the client id {id}" for id in device.client_ids]
    known_by += [f"the host name {name}" for name in device.hostnames]
    return joined(known_by)


def _as(device: Device, policy: Policy) -> str:
    if device.profile is None:
        return "like others where it is"
    return f"as {policy.profiles[device.profile].title}"
