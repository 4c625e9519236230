"""Commands of several words (`lychgate lists refresh`), one module for each first word.

A command reads what was typed, calls one module, and shows what came of it.
"""
