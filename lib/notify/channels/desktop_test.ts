import assert from "node:assert/strict";
import { join } from "node:path";
import { outgoing } from "../../testing/notifications.ts";
import { tempDir } from "../../testing/temp.ts";
import { DeliveryError } from "../notification.ts";
import { desktopChannel, popupCommand, popups } from "./desktop.ts";

const signal = new AbortController().signal;

/** A program that writes down its arguments, one a line, and ends with `status`. */
async function recorder(folder: string, status = 0): Promise<{ program: string; args(): Promise<string[]> }> {
  const program = join(folder, "program");
  const log = join(folder, "args");
  await Deno.writeTextFile(
    program,
    `#!/bin/sh\nfor a in "$@"; do printf '%s\\n' "$a" >>'${log}'; done\n[ ${status} = 0 ] || echo 'no session' >&2\nexit ${status}\n`,
    { mode: 0o700 },
  );
  return { program, args: async () => (await Deno.readTextFile(log)).trimEnd().split("\n") };
}

Deno.test("on Linux notify-send gets title and text as arguments of their own, free of markup", async () => {
  await using folder = await tempDir();
  const { program, args } = await recorder(folder.path);
  await desktopChannel({ os: "linux", program }).send(
    [outgoing({ severity: "alert", title: "--urgency=low", text: "<b>a & b</b>" })],
    signal,
  );
  assert.deepEqual(await args(), [
    "--app-name=actp-worker",
    "--urgency=critical",
    "--",
    "--urgency=low",
    "&lt;b&gt;a &amp; b&lt;/b&gt;",
  ]);
});

Deno.test("on macOS osascript gets a fixed script and the texts beside it", () => {
  const hostile = { title: 'a" & (do shell script "id")', text: "-e evil", urgent: false };
  const { program, args } = popupCommand(hostile, "darwin")!;
  assert.equal(program, "osascript");
  assert.deepEqual(args.slice(-3), ["--", hostile.title, hostile.text]);
  assert.ok(!args.slice(0, -2).join(" ").includes("shell"));
});

Deno.test("more than three pop up as one", () => {
  const batch = [1, 2, 3, 4].map((n) => outgoing({ title: `T${n}`, severity: n === 3 ? "alert" : "info" }));
  assert.equal(popups(batch.slice(1)).length, 3);
  assert.deepEqual(popups(batch), [{
    content: { title: "4 notifications", text: "• T1\n• T2\n• T3\n• T4", urgent: true },
    ends: 4,
  }]);
});

Deno.test("a desktop that does not answer is tried again; one that cannot be there is not", async () => {
  await using folder = await tempDir();
  const { program } = await recorder(folder.path, 1);
  const errorOf = async (options: Parameters<typeof desktopChannel>[0]) => {
    const error = await desktopChannel(options).send([outgoing()], signal).catch((error) => error);
    assert.ok(error instanceof DeliveryError, String(error));
    return [error.retry, error.message] as const;
  };
  assert.deepEqual(await errorOf({ os: "linux", program }), [
    true,
    "notify-send exited with status 1: no session",
  ]);
  const [retry, message] = await errorOf({ os: "linux", program: join(folder.path, "missing") });
  assert.equal(retry, false);
  assert.match(message, /no such executable program.*unset NOTIFY_DESKTOP/);
});
