"""The regular check that the filter works: asked through its own door, judged, kept.

`evidence.checks` says what to ask and what an answer means; here is who asks and how. `Checking` in
`checking.py` is the whole of it, for the command line, the timer and the portal.
"""
