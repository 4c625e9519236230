"""Checks that the filter works: what to ask, how to judge what was said, and what is kept of it.

Asking itself is the business of `lychgate.selfcheck`: this room knows no resolver. Expectations
about what must be blocked come from the taxonomy, not from the policy in force: a profile that was
changed by mistake must not look right.
"""
