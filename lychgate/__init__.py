"""Command line and composition root: the one room that knows all others.

Reads configuration, puts the rooms together, and runs them. Nobody imports this room.
"""
