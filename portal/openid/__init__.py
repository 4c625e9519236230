"""Signing in by OpenID Connect: another proves who somebody is, and of which groups they are.

`settings.py` says what may be set, `provider.py` speaks with the provider and believes nothing that
is not signed for us, `arrivals.py` finds the person and brings their roles up to date.
"""
