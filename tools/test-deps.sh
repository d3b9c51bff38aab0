#!/usr/bin/env bash
# The Debian parts that tests use beside the Python wheels: host packages, and a Debian 13 tree with mosquitto, nginx,
# TimescaleDB and promtool that the fixtures start in a chroot. Safe to repeat; quick when all is there. Starts no service.
#   STETH_TEST_CACHE  folder of the tree (default ~/.cache/steth)
set -euo pipefail

host_packages=(
  ca-certificates chromium dcmtk debootstrap fonts-noto-cjk gcc git libc6-dev make python3-venv util-linux
)
# prometheus for promtool; collectd is the agent's neighbour in bench; curl speaks HTTP/2 to nginx, whose stream module shares port 443
tree_packages=(
  collectd-core curl libmosquitto1 libnginx-mod-stream mosquitto mosquitto-clients nginx-light postgresql-17-timescaledb prometheus
)
cache=${STETH_TEST_CACHE:-$HOME/.cache/steth}
tree=$cache/trixie
recipe="trixie minbase ${tree_packages[*]} 1" # raise the number when the steps below change

if [ "$(id -u)" != 0 ]; then
  echo "make test-deps installs Debian packages and a Debian tree: run it as root (sudo make test-deps STETH_TEST_CACHE=...)" >&2
  exit 1
fi
if ! command -v apt-get >/dev/null; then
  echo "make test-deps needs Debian's apt-get; without it 'make test' skips what needs these parts and says so" >&2
  exit 1
fi

missing=()
for package in "${host_packages[@]}"; do
  dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if ((${#missing[@]})); then
  echo "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

mkdir -p "$cache"
exec 9>"$cache/.lock"
flock 9 # a second run waits, then finds the tree complete
if [ "$(cat "$tree/.steth-recipe" 2>/dev/null)" = "$recipe" ]; then
  echo "test parts are complete: $tree"
  exit 0
fi

work=$(mktemp -d "$cache/trixie.new.XXXXXX")
log=$cache/test-deps.log
exec 3>&2 # what follows writes to the log only
release() { # debootstrap and packages may have mounted things inside
  { tail -n 20 "$log"; echo "building the Debian 13 tree failed (whole log: $log)"; } >&3
  awk -v top="$work/" 'index($2, top) == 1 {print $2}' /proc/mounts | sort -r | xargs -r umount
  rm -rf --one-file-system "$work"
}
trap release EXIT
trap 'exit 130' INT TERM
echo "building the Debian 13 tree in $tree (about a minute; log: $log)"
{
  debootstrap --variant=minbase trixie "$work"
  # Packages must start nothing and create no database cluster: the fixtures own the processes.
  printf '#!/bin/sh\nexit 101\n' >"$work/usr/sbin/policy-rc.d"
  chmod 755 "$work/usr/sbin/policy-rc.d"
  mkdir -p "$work/etc/postgresql-common"
  echo 'create_main_cluster = false' >"$work/etc/postgresql-common/createcluster.conf"
  DEBIAN_FRONTEND=noninteractive LC_ALL=C chroot "$work" apt-get install -y --no-install-recommends "${tree_packages[@]}"
  chroot "$work" apt-get clean
  rm -rf "$work"/var/lib/apt/lists/*
  mkdir -p "$work/dev/shm" "$work/srv/steth"
  chmod 1777 "$work/dev/shm"
} >"$log" 2>&1

echo "$recipe" >"$work/.steth-recipe"
chmod 755 "$work" # mktemp made it 0700; the services' users must enter
rm -rf --one-file-system "$tree"
mv -T "$work" "$tree"
trap - EXIT
echo "test parts are complete: $tree"
