#!/bin/sh
# Runs ansible-test sanity on a physical copy of the collection: ansible-test resolves symbolic links.
# usage: sanity.sh ENVIRONMENT [ansible-test arguments]
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
name=$1
shift
copy=$root/.cache/sanity/ansible_collections/tidegate/platform
tests/tools/copy.sh "$copy"
cd "$copy"
git init -q . && git add -A

export HOME="$root/.cache/home"
mkdir -p "$HOME/.ansible/test/cache" "$root/.cache/pybin"
# ansible-test makes its environments without pip and would download a bootstrap script; the standard library has one.
for version in 25_2 24_2; do
  cat > "$HOME/.ansible/test/cache/get_pip_$version.py" <<'PY'
import subprocess
import sys

if __name__ == "__main__":
    subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"])
    wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
    subprocess.check_call([sys.executable, "-m", "pip", "install", *wanted])
PY
done
# The oldest Python that hosts may have, and those of Debian 12 and 13; the others are between them. Version managers put
# stand-ins on PATH that fail for versions they lack; without these the real interpreters are linked in front.
rm -f "$root"/.cache/pybin/python3.*
for minor in 9 11 13; do
  for found in "${PYENV_ROOT:-/nonexistent}"/versions/3."$minor".*/bin/python3."$minor" /usr/bin/python3."$minor"; do
    if [ -x "$found" ]; then
      ln -sf "$found" "$root/.cache/pybin/python3.$minor"
      break
    fi
  done
done
PATH=$root/.cache/venv/$name/bin:$root/.cache/pybin:$(printf %s "$PATH" | tr : '\n' | grep -v /shims | paste -sd:)
exec ansible-test sanity --local --color no "$@"
