"""What happened, and what it shows: telemetry store, alerts, checks, figures, reports.

The resolver writes a spool of events (`spool.py`, the only module it may import); the recorder
(`lychgate record`, a process of its own) reads it, keeps what privacy allows in `telemetry.db`, and
does everything that follows: rollups, retention, alerts and their notices, scheduled checks. Pages
and reports read here. Nothing in this room decides what is blocked.
"""
