#!/bin/sh
# Installs the worker as a systemd service: the same as `actp-worker install-service`, with the same options.
# usage: install-systemd-service.sh [--program FILE] [--system] [--service-user NAME] [--print] [--dry-run]
set -eu
program=
if [ "${1:-}" = --program ]; then
  [ $# -ge 2 ] || { echo "install-systemd-service: --program needs a file" >&2; exit 2; }
  program=$2
  shift 2
fi
here=$(cd "$(dirname "$0")/.." && pwd)
for candidate in "$program" "$here/dist/actp-worker" "$(command -v actp-worker || true)"; do
  if [ -n "$candidate" ] && [ -x "$candidate" ]; then
    exec "$candidate" install-service "$@"
  fi
  [ -z "$program" ] || { echo "install-systemd-service: $program is no program" >&2; exit 1; }
done
echo "install-systemd-service: no actp-worker here; make it with: deno task compile" >&2
exit 1
