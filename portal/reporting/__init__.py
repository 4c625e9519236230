"""Figures and the report: one builder, for pages, API and command line.

`periods` reads which time is meant, `asking` what somebody may see of it; `material` and `lists`
gather what is needed; `sections` and `framing` make sections of that, `report` puts them together,
`answers` says what the figures mean. `formats` writes it: `as_html`, `as_csv`, `printing`. Only
`material`, `keeping` and `lists` read anything, and only `printing` starts a process.
"""
