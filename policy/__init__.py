"""Who may see what, when, and who decided it.

The pure half: the types of a policy, the reader of `policy.toml`, identification of clients, the
view of one client at one time, and the decision.  Nothing here may open a socket or a database,
read a clock or write a log; time is always an argument `at` in POSIX seconds.
Imports only `categoriser`; imported by `resolver`, `portal` and `lychgate`.
"""
