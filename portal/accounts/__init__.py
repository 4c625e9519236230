"""Who somebody is: passwords, second factors, sessions, one-time links, API tokens.

A person and their roles are policy (`[people.ID]`); an account is how they show who they are.
Whatever proves it is kept only as a digest, but for the seed of a second factor, which both sides
must have. `Accounts` in `accounts.py` is the door; every change is in the audit log.
"""
