"""What pages and reports ask of the telemetry database: frozen answers to bounded questions.

Every function takes an open read connection (`EvidenceStore.reading()`) first, and `venues`: the
venues whose queries the reader may see, None for all. Instants are POSIX seconds, `since` inside
and `until` outside; days are those of UTC. Nothing here tells who somebody is: that is the business
of `evidence.revealing`.
"""

from __future__ import annotations

from evidence.reading.blocked import (
    Bypass,
    Popularity,
    TopBlocked,
    bypass_attempts,
    distinct_blocked_domains,
    popularity,
    recently_blocked,
    top_blocked,
)
from evidence.reading.counts import Figure, Traffic, tallies, traffic
from evidence.reading.events import Event, EventFilter, EventPage, event, events
from evidence.reading.places import Places

__all__ = [
    "Bypass",
    "Event",
    "EventFilter",
    "EventPage",
    "Figure",
    "Places",
    "Popularity",
    "TopBlocked",
    "Traffic",
    "bypass_attempts",
    "distinct_blocked_domains",
    "event",
    "events",
    "popularity",
    "recently_blocked",
    "tallies",
    "top_blocked",
    "traffic",
]
