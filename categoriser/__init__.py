"""Which categories does this name belong to?

Owner names, the taxonomy, and the two tables that know categories: Aho-Corasick patterns and the
memory-mapped index of bulk lists. Pure: no clock, socket, database, logger or randomness; the index
file is the one thing read.
"""
