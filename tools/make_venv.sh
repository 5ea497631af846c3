#!/bin/sh
# Make .venv with a Python of 3.11 or later, or say the one command that is missing.
#   sh tools/make_venv.sh [PYTHON]      PYTHON: the interpreter to use instead of looking for one
#   sh tools/make_venv.sh --check       only see whether .venv could be made (exit status 0 if so)
set -u

if [ "${1:-}" != "--check" ] && .venv/bin/python -m pip --version >/dev/null 2>&1; then
    exit 0
fi

chosen=""
old=""
if [ -n "${1:-}" ] && [ "$1" != "--check" ]; then candidates=$1; else
    candidates="python3 python3.13 python3.12 python3.11"
fi
for candidate in $candidates; do
    # A candidate may exist and not run (a version manager's shim): ask it.
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        if "$candidate" -c 'import venv, ensurepip' >/dev/null 2>&1; then
            chosen=$candidate
            break
        fi
        old="$candidate, which has no venv"
    elif [ -z "$old" ] && "$candidate" -c '' >/dev/null 2>&1; then
        old="$candidate, which is older"
    fi
done

if [ -z "$chosen" ]; then
    echo "glmmlab needs Python 3.11 or later with its venv module; found ${old:-no Python}." >&2
    echo "Run this, then make again:" >&2
    if command -v apt-get >/dev/null 2>&1; then
        case "$old" in
            python3.*venv) echo "    sudo apt-get install ${old%%,*}-venv" >&2 ;;
            *older) echo "    sudo apt-get install python3.11-venv" >&2 ;;
            *) echo "    sudo apt-get install python3-venv" >&2 ;;
        esac
    elif command -v dnf >/dev/null 2>&1; then
        echo "    sudo dnf install python3.12" >&2
    elif command -v brew >/dev/null 2>&1; then
        echo "    brew install python@3.12" >&2
    else
        echo "    (install Python 3.12 from https://www.python.org/downloads/)" >&2
    fi
    exit 1
fi

[ "${1:-}" = "--check" ] && exit 0
rm -rf .venv
"$chosen" -m venv .venv
