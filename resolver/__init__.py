"""DNS: listeners, the life of a query, upstreams, cache and telemetry events.

This room reads a compiled index and a policy snapshot; it never imports `portal` or `blocklists`.
"""
