"""Figures and the report: one builder, for pages, API and command line.

`periods` reads which time is meant, `material` gathers what is needed of it, `sections` and
`framing` make sections of that, `report` puts them together, `answers` says what the figures mean.
Only `material` and `keeping` read anything; the rest is pure.
"""
