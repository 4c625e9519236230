"""Safeguarding alerts: what calls for a look, grouped, without the background noise.

`themes`, `noise` and `grouping` are the pure core, over rules that are data (`themes.toml`,
`noise.toml`). `taking` is the shell that the recorder's duty runs; `handling` is what people do
with an alert; `reading` is what pages ask.
"""
