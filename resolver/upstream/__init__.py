"""Asking upstreams: whom (`selection`, pure), how (`transports/`), for whom (`forwarder`)."""
