"""Lychgate as it is installed: services, sockets, packages."""
