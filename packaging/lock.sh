#!/bin/sh
# packaging/lock.sh: choose a version of every dependency, and write it with the checksums of its files
# into requirements.lock. By hand, when dependencies change or are to be renewed; a test compares the lock
# with pyproject.toml. Needs uv (pip install uv), and whatever package index pip is set up to use: the
# lock names none.
set -eu
cd "$(dirname "$0")/.."
exec uv pip compile pyproject.toml --extra report --quiet --generate-hashes --python-version 3.11 \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
    --output-file requirements.lock "$@"
