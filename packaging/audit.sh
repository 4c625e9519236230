#!/bin/sh
# packaging/audit.sh: whether anything in requirements.lock has a known fault, by pip-audit. It asks the
# package index about each; where it is not here or cannot ask, this says so and ends with 0: an audit that
# was not done is no fault of the code, and is not said to have passed. Faults found: 1.
set -u
cd "$(dirname "$0")/.."
audit=$(command -v pip-audit || echo .venv/bin/pip-audit)
if [ ! -x "$audit" ]; then
    echo "audit: NOT DONE: pip-audit is not here; pip install pip-audit"
    exit 0
fi
report=$(mktemp)
log=$(mktemp)
trap 'rm -f "$report" "$log"' EXIT
"$audit" --requirement requirements.lock --require-hashes --disable-pip --progress-spinner off \
    --format json --output "$report" "$@" >"$log" 2>&1
status=$?
if [ ! -s "$report" ]; then
    echo "audit: NOT DONE: pip-audit could not ask:"
    tail -n 3 "$log"
    exit 0
fi
if [ "$status" = 0 ]; then
    echo "audit: nothing in requirements.lock has a known fault"
    exit 0
fi
cat "$log" "$report"
exit 1
