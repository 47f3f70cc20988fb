/**
 * The program that stands around every measured system, under Node and under Deno alike: one line of JSON per
 * command on standard input, one per answer or event on standard output. It ends with its standard input, so that
 * nothing outlives the benchmark.
 */
import process from "node:process";
import { createInterface } from "node:readline";

/** Writes one message. */
export function say(message) {
  process.stdout.write(JSON.stringify(message) + "\n");
}

/** Ms since the epoch with fractions; comparable between the processes of one machine. */
export function now() {
  return performance.timeOrigin + performance.now();
}

/** Imports a peer's library by name; a variable, so that no type checker goes looking for it. */
export function library(name) {
  return import(name);
}

/** Resolves after `ms`. */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Answers `{id, do, ...arguments}` with `{id, value}` or `{id, error}`, until standard input ends. */
export async function serve(commands) {
  say({ event: "loaded" });
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, do: name, ...args } = JSON.parse(line);
    commands[name](args).then(
      (value) => say({ id, value: value ?? null }),
      (error) => say({ id, error: String(error?.stack ?? error) }),
    );
  }
  process.exit(0);
}

/**
 * Makes the handler of no-op tasks; call it with the task's key.
 *  - count: tells every 20 ms how many have run, and when the first began;
 *  - report: tells each start with its time;
 *  - hang: the same, and never ends.
 */
export function handler(mode) {
  let count = 0;
  let told = 0;
  let firstAt;
  if (mode === "count") {
    setInterval(() => {
      if (count > told) say({ event: "ran", count: told = count, firstAt });
    }, 20);
    return () => {
      firstAt ??= now();
      count++;
    };
  }
  return (key) => {
    say({ event: "start", key, at: now() });
    return mode === "hang" ? new Promise(() => {}) : undefined;
  };
}

/** Calls `insert` with batch after batch of keys, and tells how long that took, in ms. */
export async function inBatches({ count, batch }, insert) {
  const began = now();
  for (let first = 0; first < count; first += batch) {
    await insert(Array.from({ length: Math.min(batch, count - first) }, (_, i) => first + i));
  }
  return { ms: now() - began };
}
