#!/bin/sh
# packaging/audit.sh: whether anything in requirements.lock has a known fault, by pip-audit. It asks the
# package index about each. An audit that was not done, or only for a part, is no fault of the code (status
# 0), and is never said to have passed: an index that keeps no faults, or is not there, makes pip-audit say
# that it found none. So it is asked about a package with a known fault first. Faults found: 1.
set -u
cd "$(dirname "$0")/.."
audit=$(command -v pip-audit || echo .venv/bin/pip-audit)
if [ ! -x "$audit" ]; then
    echo "audit: NOT DONE: pip-audit is not here; pip install pip-audit"
    exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# ask LIST NAME OPTION...: the report on a list of packages, in $folder/NAME.json
ask() {
    list=$1 name=$2
    shift 2
    "$audit" --requirement "$list" --disable-pip --progress-spinner off \
        --format json --output "$folder/$name.json" "$@" >"$folder/log" 2>&1
    [ -s "$folder/$name.json" ] && return
    echo "audit: NOT DONE: pip-audit could not ask:"
    tail -n 3 "$folder/log"
    exit 0
}

# count NAME: packages with a fault, packages that could not be looked up, packages in all
count() {
    python3 -c '
import json, sys
said = json.load(open(sys.argv[1]))["dependencies"]
print(sum(bool(one.get("vulns")) for one in said), sum("skip_reason" in one for one in said), len(said))
' "$folder/$1.json"
}

# A fault of 2019 that every list of faults has (CVE-2019-10906).
echo 'jinja2==2.10' >"$folder/known.txt"
ask "$folder/known.txt" known --no-deps
case $(count known) in
    1\ *) ;;
    *)
        echo "audit: NOT DONE: the package index does not tell of a fault that everybody knows (jinja2 2.10)"
        exit 0
        ;;
esac
ask requirements.lock lock --require-hashes "$@"
found=$(count lock) || exit 1
faulty=${found%% *} total=${found##* } skipped=${found#* }
skipped=${skipped%% *}
if [ "$faulty" != 0 ]; then
    cat "$folder/log" "$folder/lock.json"
    exit 1
fi
if [ "$skipped" != 0 ] || [ "$total" = 0 ]; then
    echo "audit: NOT DONE for $skipped of $total packages in requirements.lock; no fault is known of the others"
    exit 0
fi
echo "audit: none of the $total packages in requirements.lock has a known fault"
