#!/bin/sh
# Stands in for a person's upload program in tests: records exactly what it was given, and misbehaves on demand.
# sh stand_in_program.sh FOLDER MODE ARGUMENTS... -> FOLDER/argv.N (NUL-separated), FOLDER/stdin.N, FOLDER/video.N
folder=$1 mode=$2
shift 2
n=1
while [ -e "$folder/argv.$n" ]; do n=$((n + 1)); done
printf '%s\0' "$@" > "$folder/argv.$n"
env > "$folder/env.$n"
cat > "$folder/stdin.$n"
if [ "$1" = --video ]; then cp "$2" "$folder/video.$n"; fi

post=https://www.tiktok.com/@jane/video/7345678901234567890
succeed() {
  echo "opening the page" >&2
  echo "Posting: pressing the button" >&2
  echo "Result: {\"success\": true, \"url\": \"$post\", \"video_id\": \"7345678901234567890\"}"
}

case $mode in
  good) succeed ;;
  pretty) printf '\nResult: {\n  "success": true,\n  "url": "%s"\n}\nbye\n' "$post" ;;
  good-exit-1) succeed; exit 1 ;;
  crash) echo "opening the page" >&2; kill -9 $$ ;;
  crash-once) [ "$n" = 1 ] && { sleep 60 & kill -9 $$; }; succeed ;;
  crash-posting) echo "Posting: pressing the button" >&2; kill -9 $$ ;;
  exit-1) echo "Traceback" >&2; echo "Safari quit" >&2; exit 1 ;;
  usage) echo "unknown option" >&2; exit 2 ;;
  hang) echo "opening the page" >&2; : > "$folder/hangs"; sleep 60 ;;
  hang-silently) sleep 60 ;;
  hang-posting) echo "clicking the Post button" >&2; : > "$folder/hangs"; sleep 60 ;;
  ignore-term) trap '' TERM; echo "opening the page" >&2; while :; do sleep 0.2; done ;;
  only-status) echo 'Result: {"status": "success"}' ;;
  stub) echo "Result: {\"success\": true, \"stub\": true, \"url\": \"$post\"}" ;;
  foreign) echo 'Result: {"success": true, "url": "https://tiktok.com.example/@jane/video/7345678901234567890"}' ;;
  error) echo 'Result: {"success": false, "error": "not logged in"}' ;;
  error-posting) echo "Posting: pressing the button"; echo 'Result: {"success": false, "error": "no address"}' ;;
  no-result) echo "done" ;;
  broken-result) echo 'Result: {"url": "https://www.tik' ;;
  echo-caption) echo "Caption:"; echo "$4"; exit 1 ;;
esac
