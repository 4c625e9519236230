"""`make demo` and what can be seen of it: one demonstration serves all tests here."""
