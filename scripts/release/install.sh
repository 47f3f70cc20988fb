#!/bin/sh
# Installs actp-worker {{version}} for one person, without root: downloads the program for this machine, checks its
# sha256 against the release's, and puts it into ACTP_INSTALL_DIR (~/.local/bin unless told).
set -eu

url={{url}}

fail() {
  echo "install: $1" >&2
  exit 1
}

target() {
  case $(uname -s) in
    Linux) os=linux ;;
    Darwin) os=macos ;;
    *) fail "there is no program for $(uname -s)" ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) fail "there is no program for $(uname -m) processors" ;;
  esac
  # Rosetta says x86_64 on an Apple processor.
  if [ "$os$arch" = macosx64 ] && [ "$(sysctl -n hw.optional.arm64 2>/dev/null || true)" = 1 ]; then arch=arm64; fi
  echo "$os-$arch"
}

download() {
  if command -v curl >/dev/null; then
    case $1 in https:*) set -- "$1" "$2" --proto '=https' --tlsv1.2 ;; esac
    from=$1 to=$2
    shift 2
    curl -fsSL --retry 3 "$@" -o "$to" "$from" || fail "cannot download $from"
  elif command -v wget >/dev/null; then
    wget -q -O "$2" "$1" || fail "cannot download $1"
  else
    fail 'neither curl nor wget is there; install one'
  fi
}

sum_of() {
  if command -v sha256sum >/dev/null; then sum=$(sha256sum <"$1")
  elif command -v shasum >/dev/null; then sum=$(shasum -a 256 <"$1")
  else fail 'neither sha256sum nor shasum is there; install one'; fi
  echo "${sum%% *}"
}

# In a function, so that a download that breaks off half-way runs nothing.
main() {
  name=actp-worker-$(target)
  folder=${ACTP_INSTALL_DIR:-$HOME/.local/bin}
  temp=$(mktemp -d)
  trap 'rm -rf "$temp"' EXIT
  trap 'exit 1' HUP INT TERM
  download "$url/SHA256SUMS" "$temp/SHA256SUMS"
  wanted=$(awk -v name="$name" '$2 == name || $2 == "*" name { print $1 }' "$temp/SHA256SUMS")
  [ -n "$wanted" ] || fail "this release has no $name"
  echo "downloading $name {{version}} ..." >&2
  download "$url/$name" "$temp/$name"
  found=$(sum_of "$temp/$name")
  [ "$found" = "$wanted" ] || fail "$name is damaged or not the published one: its sha256 is $found, not $wanted"
  chmod 755 "$temp/$name"
  mkdir -p "$folder" || fail "cannot make $folder; set ACTP_INSTALL_DIR to a folder of yours"
  # First beside its place, so that a program that runs there is replaced whole.
  if ! mv "$temp/$name" "$folder/.actp-worker.$$" || ! mv -f "$folder/.actp-worker.$$" "$folder/actp-worker"; then
    fail "cannot write to $folder; set ACTP_INSTALL_DIR to a folder of yours"
  fi
  echo "installed $folder/actp-worker" >&2
  case :$PATH: in
    *":$folder:"*) ;;
    *) echo "add it to your PATH: export PATH=\"$folder:\$PATH\"" >&2 ;;
  esac
  echo 'next: actp-worker init, actp-worker doctor, actp-worker install-service' >&2
}

main
