import { type LogRecord, resetSync } from "@logtape/logtape";
import assert from "node:assert/strict";
import { logger, type Logging, type LoggingOptions, setUpLogging, taskLogger } from "./log.ts";

async function logged(
  body: (logging: Logging) => void | Promise<void>,
  options: Partial<LoggingOptions> = {},
): Promise<string[]> {
  const lines: string[] = [];
  const stream = { write: (line: string) => void lines.push(line), isTerminal: () => false };
  const logging = setUpLogging({ level: "info", format: "text", secrets: () => [], stream, ...options });
  try {
    await body(logging);
  } finally {
    await logging.dispose();
  }
  return lines;
}

/** Without the time, which is the machine's. */
const tail = (line: string) => line.replace(/^\S+Z /, "");

Deno.test("text is one line: time, level, category, message, fields", async () => {
  const [line] = await logged(() =>
    logger("queue", "poller").info("Claimed tasks.", { room: 2, why: "a b" })
  );
  assert.match(
    line,
    /^\d{4}-\d\d-\d\dT[\d:.]+Z INFO {4}queue\.poller {2}Claimed tasks\. {2}room=2 why="a b"\n$/,
  );
});

Deno.test("a field that the message shows is not repeated", async () => {
  const [line] = await logged(() =>
    logger("x").info("{n} tasks for {who.name}", { n: 3, who: { name: "a" } })
  );
  assert.equal(tail(line), "INFO    x  3 tasks for a\n");
});

Deno.test("errors are one line for eyes and keep their stack in JSON", async () => {
  const error = new Error("outer\nforged", { cause: new TypeError("inner") });
  const [text] = await logged(() => logger("x").error("Failed.", { error }));
  assert.equal(
    tail(text),
    'ERROR   x  Failed.  error="Error: outer\\nforged (because of TypeError: inner)"\n',
  );
  const [json] = await logged(() => logger("x").error("Failed.", { error }), { format: "json" });
  assert.match(JSON.parse(json).error.stack, /log_test\.ts/);
});

Deno.test("control characters cannot forge a line or steer the terminal", async () => {
  const [line] = await logged(() => logger("x").info("a\r\nb \x1b[2J \u202e {v}", { v: "\x07" }));
  assert.equal(tail(line), "INFO    x  a\\u000d\\nb \\u001b[2J \\u202e \\u0007\n");
});

Deno.test("JSON lines carry the fields, and reserved names do not overwrite", async () => {
  const [line] = await logged(
    () => taskLogger({ id: "t1", type: "probe", attempt: 2 }).warn("Slow.", { level: 9, big: 5n }),
    { format: "json" },
  );
  const { time, ...rest } = JSON.parse(line);
  assert.ok(Date.parse(time) > 0);
  assert.deepEqual(rest, {
    level: "warning",
    category: "actp.task",
    message: "Slow.",
    taskId: "t1",
    taskType: "probe",
    attempt: 2,
    field_level: 9,
    big: "5",
  });
});

Deno.test("auto is text on a terminal and JSON elsewhere; colour only where asked for", async () => {
  const lines: string[] = [];
  for (const [terminal, color] of [[true, true], [true, false], [false, false]]) {
    const stream = { write: (line: string) => void lines.push(line), isTerminal: () => terminal };
    await logged(() => logger("x").info("hi"), { format: "auto", stream, color });
  }
  assert.ok(lines[0].includes("\x1b[32mINFO"));
  assert.equal(tail(lines[1]), "INFO    x  hi\n");
  assert.equal(JSON.parse(lines[2]).message, "hi");
});

for (const format of ["text", "json"] as const) {
  Deno.test(`no secret reaches a ${format} line by any way`, async () => {
    const secret = 'topsecret"99';
    const lines = await logged((logging) => {
      const log = logger("x");
      log.info(`glued ${secret}`);
      log.info("field {a}", { a: secret, nested: { list: [secret] }, [secret]: 1 });
      log.info`tagged ${secret} ${{ deep: secret }}`;
      log.error(new Error(`thrown ${secret}`, { cause: new Error(secret) }));
      log.info("login {password}", { password: "abc" });
      log.info("split {a}{b}", { a: secret.slice(0, 5), b: secret.slice(5) });
      log.info("url {u}", { u: `https://h/?q=${encodeURIComponent(secret)}` });
      logging.addSecrets("later-secret");
      log.info("then later-secret");
    }, { format, secrets: () => [secret] });
    assert.equal(lines.length, 8);
    for (const line of lines) {
      assert.ok(line.includes("[redacted]"), line);
      assert.doesNotMatch(line, /topsecret|later-secret|password=abc|login abc|%2299/);
    }
  });
}

Deno.test("the level can be changed while running", async () => {
  const lines = await logged((logging) => {
    logger("x").debug("before");
    logging.setLevel("debug");
    logger("x").debug("after");
  });
  assert.deepEqual(lines.map(tail), ["DEBUG   x  after\n"]);
});

Deno.test("further sinks get redacted records, one broken sink harms no other, and each is disposed once", async () => {
  const records: LogRecord[] = [];
  let disposed = 0;
  const sink = Object.assign((record: LogRecord) => void records.push(record), {
    [Symbol.asyncDispose]: () => Promise.resolve(void disposed++),
  });
  const broken = () => {
    throw new Error("broken sink");
  };
  const lines = await logged(async (logging) => {
    const remove = logging.addSink(sink);
    logger("x").info("hunter22! {token}", { token: "t", note: "hunter22!" });
    await remove();
    logger("x").info("unseen");
    await remove();
  }, { secrets: () => ["hunter22!"], extraSinks: [broken] });
  assert.equal(disposed, 1);
  assert.equal(records.length, 1);
  assert.deepEqual(records[0].message, ["[redacted] [redacted]"]);
  assert.deepEqual(records[0].properties, { token: "[redacted]", note: "[redacted]" });
  assert.ok(lines.some((line) => line.includes("unseen")));
  assert.ok(lines.some((line) => line.includes("logtape.meta") && line.includes("A log sink failed")));
});

Deno.test("by default lines go to standard error, complete and in order", async () => {
  const code = `import { logger, setUpLogging } from ${JSON.stringify(import.meta.resolve("./log.ts"))};
    const logging = setUpLogging({ level: "info", format: "auto", secrets: () => [] });
    for (let i = 0; i < 300; i++) logger("x").info("x".repeat(2000), { i });
    await logging.dispose();
    logger("x").info("after the end");`;
  const { code: exit, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", "--config", new URL("../deno.json", import.meta.url).pathname, code],
  }).output();
  const lines = new TextDecoder().decode(stderr).trimEnd().split("\n").filter((line) => line.startsWith("{"));
  assert.equal(exit, 0);
  assert.equal(stdout.length, 0);
  assert.deepEqual(lines.map((line) => JSON.parse(line).i), Array.from({ length: 300 }, (_, i) => i));
});

Deno.test("without set-up nothing is written and nothing fails", () => {
  resetSync();
  logger("x").error("nowhere");
});
