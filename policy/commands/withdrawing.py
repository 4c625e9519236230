"""Withdrawing access from an address that is no device of the policy yet, and giving it back.

For whoever knows a device by its address only: a safeguarding lead who looked behind an alert. The
device is entered with the access withdrawn; giving it back goes by `devices.GiveBackDevice`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar

from policy.commands.command import Change, Permission, Refused, Situation, changed
from policy.commands.devices import DEVICES_MAX, WithdrawDevice
from policy.commands.scopes import require_instants, written
from policy.policy import Policy
from policy.store.writing import Writing


@dataclass(frozen=True, slots=True)
class WithdrawAddress:
    """Leave whatever has an address nothing but essential sites, until an instant."""

    action: ClassVar[str] = WithdrawDevice.action
    address: str
    reason: str
    until: float
    """POSIX seconds. There is always one: an address may be somebody else's tomorrow."""

    def permission(self, situation: Situation) -> Permission:
        """Of the venue that the address lies in."""
        return Permission(self.action, situation.venues_at([self._plain()]))

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Withdraws from the device that has the address, entered first if it is none."""
        address = self._plain()
        devices = situation.raw.get("devices", {})
        known = device_at(situation.policy, address)
        if known is not None:
            return await WithdrawDevice(known, self.reason, self.until).apply(writing, situation)
        if not self.reason.strip():
            raise Refused(f"{self.action}: reason: nothing is given; reason is required")
        require_instants(situation, self.until)
        if self.until // 1 <= situation.at:
            raise Refused(f"{self.action}: until: it is past; allowed: a later time")
        if len(devices) >= DEVICES_MAX:
            given = f"{len(devices)} are there"
            raise Refused(f"{self.action}: devices: {given}; allowed: up to {DEVICES_MAX}")
        id = _free(f"at-{address.replace('.', '-').replace(':', '-').strip('-')}", devices)
        body = changed(
            {},
            {
                "title": f"Device at {address}",
                "addresses": [address],
                "withdrawn": True,
                "withdrawn_reason": self.reason.strip(),
                "withdrawn_until": written(situation, self.until),
            },
        )
        situation.build(devices={**devices, id: body})
        await writing.put("devices", id, body)
        return Change(f"device:{id}", None, body)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What is left, and until when."""
        until = situation.words.instant(self.until)
        title = after.devices[change.subject.partition(":")[2]].title
        return [f"{title}: only essential sites are open until {until}."]

    def _plain(self) -> str:
        try:
            return str(ip_address(self.address.strip()))
        except ValueError:
            given = f"{self.address[:60]!r} is no address"
            raise Refused(f"{self.action}: address: {given}; allowed: an IP address") from None


def device_at(policy: Policy, address: str) -> str | None:
    """The device that has an address; None when no device has."""
    wanted = ip_address(address)
    return next((id for id, one in policy.devices.items() if wanted in one.addresses), None)


def _free(id: str, taken: object) -> str:
    found, number = id, 2
    while found in taken:  # type: ignore[operator]
        found, number = f"{id}-{number}", number + 1
    return found
