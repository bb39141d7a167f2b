"""What runs on another computer while it is made a server, before there is a Potions on it."""

from __future__ import annotations

#: Two lines: the version in force, and the one whose install came to its end. $1 and $2 are where they stand.
LOOK = 'readlink "$1" || echo; cat "$2" 2>/dev/null || true; echo'

#: As root, with $1 what is `WORK` below, $2 the folder that was sent, then what `WORK` takes. Lines for people go to
#: standard error as they come, the report to standard output at the end. The work itself writes to files, so that a
#: connection that breaks does not end it half way; whoever comes next waits for its end.
INSTALL = r"""
set -eu
umask 022
place=/root/.potions-add
exec 9>/run/potions-add.lock
if ! flock --nonblock 9; then
    echo 'Another install runs there; waiting for its end.' >&2
    flock 9
fi
rm -rf "$place"
mkdir -m 700 "$place"
mv "$2" "$place/sent"
work=$1
shift 2
: >"$place/out"
: >"$place/err"
exec 7<"$place/out" 8<"$place/err"
(
    sh -euc "$work" sh "$place" "$@" >"$place/out" 2>"$place/err" </dev/null && status=0 || status=$?
    cd /
    rm -rf "$place"
    exit "$status"
) &
tail -n +1 -s 0.2 -f --pid=$! <&8 >&2 || true
wait $! && status=0 || status=$?
cat <&7
exit "$status"
"""

#: With $1 its folder, $2 the wheel in what was sent (empty: the Potions that is there installs), and the words of
#: `potions server install`. Lines that begin with "! " say why something failed.
WORK = r"""
export HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l PYTHONUNBUFFERED=1
place=$1 wheel=$2
shift 2
cd "$place/sent"

quietly() {
    what=$1
    shift
    if ! "$@" >"$place/said" 2>&1; then
        echo "! $what" >&2
        tail -n 8 "$place/said" | sed 's/^/! /' >&2
        exit 1
    fi
}

if [ -z "$wheel" ]; then
    exec /usr/local/bin/potions server install --json "$@"
fi
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    echo '  apt installs python3-venv' >&2
    quietly 'apt cannot look up packages.' apt-get --quiet -o DPkg::Lock::Timeout=600 update
    quietly 'apt cannot install python3-venv.' \
        apt-get --quiet -o DPkg::Lock::Timeout=600 install --yes --no-install-recommends python3-venv
fi
echo "  a place to install from is made, and removed at the end" >&2
quietly 'Python cannot make a virtual environment.' python3 -m venv "$place/venv"
quietly 'The wheel that was sent cannot be read.' python3 -m zipfile -e "$wheel" "$place/wheel"
pip() {
    "$place/venv/bin/python" -m pip --disable-pip-version-check --no-input install --quiet --no-deps \
        --no-compile --progress-bar=off "$@"
}
echo "  pip gets what Potions needs" >&2
quietly 'pip cannot get what Potions needs.' \
    pip --require-hashes --only-binary=:all: --requirement "$place/wheel/potions/server/requirements.lock"
quietly 'pip cannot install Potions.' pip "$wheel"
exec "$place/venv/bin/potions" server install --json --wheel "$wheel" "$@"
"""
