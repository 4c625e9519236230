"""Whole layouts, each tried with machines in network namespaces; see docs/deployment.md."""
