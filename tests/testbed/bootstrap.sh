#!/bin/sh
# Installs what a bare Debian machine lacks: Debian packages, then one virtual environment a purpose. Idempotent.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
quiet() { "$@" >"$root/.cache/bootstrap.log" 2>&1 || { cat "$root/.cache/bootstrap.log" >&2; exit 1; }; }
mkdir -p .cache

# What each is for: engine (docker.io, iptables), networks (nftables, iproute2), testbed (mmdebstrap, docker-registry, pebble, bind9),
# load and traces (hey, strace), checks (shellcheck), the rest is for pip and git.
packages="python3 python3-venv python3-dev ca-certificates git make docker.io iptables nftables iproute2 mmdebstrap docker-registry pebble bind9 hey strace shellcheck procps openssl openssh-client"
missing=""
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  echo "bootstrap: installing$missing"
  quiet env DEBIAN_FRONTEND=noninteractive apt-get update -q
  # shellcheck disable=SC2086
  quiet env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
  # The tests start these themselves, with configurations and ports of their own.
  if [ -d /run/systemd/system ]; then
    case $missing in *bind9*) systemctl disable -q --now named ;; esac
    case $missing in *docker-registry*) systemctl disable -q --now docker-registry ;; esac
  fi
fi

venv() { # NAME REQUIREMENTS-FILE [PYTHON]
  dir=.cache/venv/$1
  stamp=$dir/.stamp
  if [ -x "$dir/bin/python" ] && cmp -s "$2" "$stamp"; then return; fi
  echo "bootstrap: environment $1"
  rm -rf "$dir"
  "${3:-/usr/bin/python3}" -m venv "$dir"
  quiet "$dir/bin/pip" install -q --disable-pip-version-check -r "$2"
  cp "$2" "$stamp"
}
venv main tests/requirements/main.txt
for extra in "$@"; do # NAME or NAME=PYTHON
  case $extra in
    *=*) venv "${extra%%=*}" "tests/requirements/${extra%%=*}.txt" "${extra#*=}" ;;
    *) venv "$extra" "tests/requirements/$extra.txt" ;;
  esac
done

# ansible-test and ansible resolve the collection by its place in a tree.
mkdir -p .cache/collections/ansible_collections/tidegate
ln -sfn ../../../.. .cache/collections/ansible_collections/tidegate/platform
