# Sourced by the commands beside it: make .venv from a hashed lock when it is missing or stale.
# Needs Python >= 3.11 and a package index; says nothing when there is nothing to do.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv

say() { printf '%s\n' "$*" >&2; }

find_python() {
  local name
  for name in python3.11 python3.12 python3.13 python3.14 python3 python; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  say "pingledger needs Python 3.11 or newer, and none was found on the PATH."
  return 69
}

# The stamp of a lock: where .venv was made, from what, and for which entry points.
stamp() {
  "$venv/bin/python" - "$root" "$1" pyproject.toml <<'PYTHON'
import hashlib, pathlib, sys
root, *names = sys.argv[1:]
parts = [root.encode(), *(pathlib.Path(root, name).read_bytes() for name in names)]
print(hashlib.sha256(b"\0".join(parts)).hexdigest())
PYTHON
}

is_made_from() {
  local made
  made=$(cat "$venv/made-from-$1" 2>/dev/null) && [ "$made" = "$(stamp "$1" 2>/dev/null)" ]
}

# requirements-dev.lock holds everything of requirements.lock, in the same versions.
is_fresh() {
  is_made_from "$1" || { [ "$1" = requirements.lock ] && is_made_from requirements-dev.lock; }
}

make_empty() {
  local python
  python=$(find_python) || return
  if ! "$python" -m venv --clear "$venv" >/dev/null 2>&1; then
    say "$python cannot make a virtual environment: its venv or ensurepip module is missing" \
      "(Debian, Ubuntu: apt install python3-venv)."
    return 69
  fi
}

pip_install() {
  "$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check "$@"
}

fill_from() {
  "$venv/bin/python" -m pip --version >/dev/null 2>&1 || make_empty || return
  rm -f "$venv"/made-from-*
  pip_install --require-hashes --only-binary :all: --requirement "$root/$1" &&
    pip_install --no-deps --no-build-isolation --editable "$root" &&
    stamp "$1" >"$venv/made-from-$1"
}

# make_venv LOCK: leave .venv as LOCK says, or explain and give an exit code.
make_venv() {
  is_fresh "$1" && return
  say "Making .venv from $1; the first time takes a minute or two."
  (
    # one at a time, where the system has flock
    exec 9<"$root" && { flock 9 2>/dev/null || true; }
    is_fresh "$1" || fill_from "$1"
  ) || {
    local code=$?
    say "Could not make .venv from $1 (see above)."
    return "$code"
  }
}
