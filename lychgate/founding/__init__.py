"""The first hour of an installation: a few questions, and what is written from the answers.

`answers` reads what people say; `surroundings` finds what the machine knows already; `writing`
makes settings, store and choice of lists of it, once; `dhcp` says what to tell the router. Nothing
here starts anything or overwrites anything.
"""
