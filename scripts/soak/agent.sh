#!/bin/sh
# The soak run's agent: says that it lives and that it has worked, and ends after ten minutes, to be started again.
echo '{"type":"ready"}'
n=0
while [ "$n" -lt 300 ]; do
  n=$((n + 1))
  echo '{"type":"heartbeat","state":"idle"}'
  echo '{"type":"run_started","run":{"id":"'"$n"'"}}'
  echo '{"type":"run_ended","run":{"id":"'"$n"'"},"outcome":"end_turn","usage":{"input_tokens":9,"output_tokens":3,"cost_usd":0.001}}'
  sleep 2
done
