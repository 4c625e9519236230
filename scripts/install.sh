#!/bin/sh
# scripts/install.sh VENV WHAT: make a virtual environment and install this checkout into it.
#
# WHAT is `.` or `.[test]`. Editable: an edit acts at the next start. Called by the Makefile, from the
# root of the repository. Debian keeps the part of Python that makes environments in a package of its own:
# root gets it installed, anybody else is told its name.
set -eu

venv=$1
what=$2
python=${PYTHON:-python3}

if ! command -v "$python" >/dev/null 2>&1; then
    echo "install: $python: not found; Python 3.11 or newer is needed (Debian: apt-get install python3)" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "install: $python is $("$python" -V 2>&1); Python 3.11 or newer is needed;" \
         "if you have it under another name: make PYTHON=python3.11 ..." >&2
    exit 1
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "install: $python cannot make virtual environments yet; installing Debian's python3-venv"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -q
        apt-get install -q -y --no-install-recommends python3-venv
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "install: $python cannot make virtual environments: it lacks ensurepip." >&2
        echo "As root:  apt-get update && apt-get install python3-venv   (then the same make again)" >&2
        exit 1
    fi
fi

# Half an environment, or one whose Python is gone, is made anew.
if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
    "$python" -m venv --clear "$venv"
fi
echo "install: $what into $venv ..."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$what"
