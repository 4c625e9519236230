"""Commands: the one door for every change of policy, for command line, portal and API alike.

`Desk.perform` in `desk.py` asks who may (`permissions.py`), lets the command check and write within
one transaction, reads the changed policy back as every resolver will, and enters the decision into
the audit log (`journal.py`). One module for each noun (`venues.py`, `rules.py` ...) holds its
commands: frozen records of what a person wants.

To add a command: a frozen dataclass with `action`, `reason`, `permission`, `apply` and
`sentences`, as `command.Command` says; its word in the table of `permissions.py`.
`venues.AddVenue` is the example.
"""
