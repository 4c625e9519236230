"""Asking upstreams: whom to ask next (`selection`, pure), how (`transports/`), and for whom
(`forwarder`)."""
