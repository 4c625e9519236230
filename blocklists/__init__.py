"""Where category knowledge comes from: list formats, the starter lists, and the compiled index.

Runs beside the resolver, never inside it: the resolver reads the file that is compiled here.
"""
