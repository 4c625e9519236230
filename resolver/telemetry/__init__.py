"""Telemetry: events of queries become metrics in batches, off the path of any query.

Names and client addresses are hostile text without end, and never become labels.
"""
