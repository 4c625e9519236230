"""Which upstream to ask next, by measured health. Pure: outcomes and `at` come in, an order goes
out.

The quickest upstream that answers is asked first; one that failed several times in a row rests for
a while and is then tried again. Now and then another one goes first, or a slow day would never be
unlearnt.
"""

from typing import Final

FAILURES_MAX: Final = 3
"""Failures in a row after which an upstream rests."""
REST_SECONDS_MIN: Final = 2.0
REST_SECONDS_MAX: Final = 60.0
EXPLORE_EVERY: Final = 100
"""Every so many questions the second-best upstream goes first."""
PATIENCE_SECONDS_MIN: Final = 0.3
PATIENCE_SECONDS_MAX: Final = 1.5


class Health:
    """What is known of one upstream."""

    __slots__ = (
        "failures_in_row",
        "patience_seconds",
        "rests_until",
        "rtt_seconds",
        "times",
        "uri",
    )

    def __init__(self, uri: str) -> None:
        self.uri: Final = uri
        self.rtt_seconds = 0.05
        """Smoothed round-trip time (RFC 6298 section 2: one eighth of each new measurement)."""
        self.patience_seconds = PATIENCE_SECONDS_MIN
        """How long to wait for it before the next one is asked as well."""
        self.failures_in_row = 0
        self.rests_until = 0.0
        self.times: list[float] = []
        """Seconds that answers took; telemetry takes them away."""

    def is_resting(self, at: float) -> bool:
        """Whether it failed so often that it is asked only when no other is left."""
        return at < self.rests_until


class Selection:
    """The upstreams of one route."""

    def __init__(self, uris: list[str]) -> None:
        self.upstreams: Final = [Health(uri) for uri in uris]
        self._asked = 0
        self._order = list(range(len(uris)))
        self._resting = False

    def order(self, at: float) -> list[int]:
        """Numbers of the upstreams, the best first. The list is not the caller's to change."""
        self._asked += 1
        if self._resting:
            self._sort(at)
        if self._asked % EXPLORE_EVERY == 0 and len(self._order) > 1:
            self._sort(at)
            first, second, *others = self._order
            if not self.upstreams[second].is_resting(at):
                return [second, first, *others]
        return self._order

    def succeeded(self, number: int, seconds: float) -> None:
        """An answer came after so many seconds."""
        health = self.upstreams[number]
        health.times.append(seconds)
        rtt = health.rtt_seconds = health.rtt_seconds * 0.875 + seconds * 0.125
        health.patience_seconds = _patience(rtt)
        if health.failures_in_row:
            health.failures_in_row = 0
            health.rests_until = 0.0
            self._resting = True  # Sort once more, with this one awake.

    def failed(self, number: int, at: float) -> None:
        """No answer came, or none that could be used."""
        health = self.upstreams[number]
        health.failures_in_row += 1
        health.rtt_seconds = min(health.rtt_seconds * 1.5, PATIENCE_SECONDS_MAX)
        health.patience_seconds = _patience(health.rtt_seconds)
        over = health.failures_in_row - FAILURES_MAX
        if over >= 0:
            rest = min(REST_SECONDS_MIN * 2 ** min(over, 8), REST_SECONDS_MAX)
            health.rests_until = at + rest
        self._sort(at)

    def _sort(self, at: float) -> None:
        upstreams = self.upstreams
        self._resting = any(health.is_resting(at) for health in upstreams)
        self._order = sorted(
            self._order, key=lambda n: (upstreams[n].is_resting(at), upstreams[n].rtt_seconds)
        )


def _patience(rtt_seconds: float) -> float:
    """Four round trips, within bounds."""
    if rtt_seconds * 4 < PATIENCE_SECONDS_MIN:
        return PATIENCE_SECONDS_MIN
    return min(rtt_seconds * 4, PATIENCE_SECONDS_MAX)
