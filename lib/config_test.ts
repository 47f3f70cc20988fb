import assert from "node:assert/strict";
import { join } from "node:path";
import {
  CONFIG_FIELDS,
  ConfigError,
  databaseKind,
  describeConfig,
  loadConfig,
  type LoadedConfig,
  type LoadOptions,
  secretsOf,
} from "./config.ts";

interface Given extends Partial<Omit<LoadOptions, "cwd">> {
  readonly json?: unknown;
  readonly cwdEnv?: string;
  readonly homeEnv?: string;
}

interface Folders {
  readonly home: string;
  readonly cwd: string;
}

/** Loads a configuration from real files in two temporary folders, ACTP_HOME and the current one. */
async function withConfig<T>(
  given: Given,
  body: (load: Promise<LoadedConfig>, at: Folders) => Promise<T>,
): Promise<T> {
  const { json, cwdEnv, homeEnv, env = {}, ...rest } = given;
  const root = await Deno.makeTempDir();
  const at = { home: join(root, "home"), cwd: join(root, "cwd") };
  const write = (path: string, text: string) => Deno.writeTextFile(path, text, { mode: 0o600 });
  try {
    await Promise.all(Object.values(at).map((path) => Deno.mkdir(path)));
    if (json !== undefined) {
      await write(join(at.home, "config.json"), typeof json === "string" ? json : JSON.stringify(json));
    }
    if (cwdEnv !== undefined) await write(join(at.cwd, ".env"), cwdEnv);
    if (homeEnv !== undefined) await write(join(at.home, ".env"), homeEnv);
    const options = { hostname: "Büro Mac.local", ...rest, cwd: at.cwd };
    return await body(loadConfig({ ...options, env: { ACTP_HOME: at.home, HOME: root, ...env } }), at);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const load = (given: Given = {}) => withConfig(given, (loading) => loading);

function problemsOf(given: Given): Promise<ConfigError> {
  return withConfig(given, async (loading) => {
    const error = await loading.then(() => undefined, (error) => error);
    assert.ok(error instanceof ConfigError, String(error ?? "no problem was found"));
    return error;
  });
}

/** One line per problem, as `field: message`. */
async function problemLines(given: Given): Promise<string[]> {
  return (await problemsOf(given)).problems.map(({ field, message }) => `${field}: ${message}`);
}

Deno.test("with nothing set, the defaults make a working embedded configuration", () =>
  withConfig({}, async (loading, { home }) => {
    const { config, origins, warnings } = await loading;
    assert.equal(config.home, home);
    assert.equal(config.workerId, "worker-b-ro-mac.local");
    assert.equal(config.maxConcurrent, 3);
    assert.equal(config.downloadDir, join(home, "tmp"));
    assert.deepEqual(config.inputRoots, [join(home, "files")]);
    assert.deepEqual([config.controlPort, config.healthPort], [8090, 8765]);
    assert.equal(config.ffmpegPath, "ffmpeg");
    assert.deepEqual(origins.maxConcurrent, { source: "default", name: "" });
    assert.deepEqual(warnings, []);
    assert.equal(databaseKind(config), "embedded");
  }));

Deno.test("every default passes its own field's check", async () => {
  const { config } = await load();
  for (const { key, schema } of CONFIG_FIELDS) assert.deepEqual(schema.parse(config[key]), config[key], key);
});

Deno.test("a flag beats the environment, which beats .env here, .env at home, config.json and the default", async () => {
  const layers: [Given, string][] = [
    [{ json: { maxConcurrent: 5 } }, "config.json maxConcurrent"],
    [{ homeEnv: "MAX_CONCURRENT_TASKS=6" }, ".env MAX_CONCURRENT_TASKS in HOME/.env"],
    [{ cwdEnv: "WORKER_MAX_CONCURRENT=7" }, ".env WORKER_MAX_CONCURRENT in CWD/.env"],
    [{ env: { MAX_CONCURRENT_TASKS: "8" } }, "environment MAX_CONCURRENT_TASKS"],
    [{ flags: { maxConcurrent: "9", json: true } }, "flag --max-concurrent"],
  ];
  let given: Given = {};
  for (const [index, [layer, origin]] of layers.entries()) {
    given = { ...given, ...layer };
    await withConfig(given, async (loading, at) => {
      const { config, origins } = await loading;
      assert.equal(config.maxConcurrent, 5 + index);
      const { source, name } = origins.maxConcurrent;
      assert.equal(`${source} ${name}`.replace(at.home, "HOME").replace(at.cwd, "CWD"), origin);
    });
  }
});

Deno.test("flags go by their own names, as the command line parser gives them", async () => {
  const { config } = await load({ flags: { pollInterval: "0.5", logLevel: "WARN" } });
  assert.equal(config.taskPollSeconds, 0.5);
  assert.equal(config.logLevel, "warning");
});

Deno.test("an alias counts, an empty variable is unset, and blanks around values go", async () => {
  const { config, origins } = await load({
    env: { WORKER_MAX_CONCURRENT: " 4 ", MAX_CONCURRENT_TASKS: "", TASK_ALLOW_PRIVATE_URLS: "Yes" },
  });
  assert.equal(config.maxConcurrent, 4);
  assert.equal(config.allowPrivateUrls, true);
  assert.equal(origins.maxConcurrent.name, "WORKER_MAX_CONCURRENT");
});

Deno.test("aliases that differ in one source are a problem, those that agree are not", async () => {
  const both = (a: string, b: string) => ({ env: { MAX_CONCURRENT_TASKS: a, WORKER_MAX_CONCURRENT: b } });
  assert.equal((await load(both("4", "4"))).config.maxConcurrent, 4);
  assert.deepEqual(await problemLines(both("4", "5")), [
    "maxConcurrent: MAX_CONCURRENT_TASKS and WORKER_MAX_CONCURRENT mean the same and differ",
  ]);
});

Deno.test("all problems of all sources are listed at once, even of values that are overridden", async () => {
  const error = await problemsOf({
    flags: { maxConcurrent: "many" },
    env: { MAX_CONCURRENT_TASKS: "0", TASK_ALLOW_PRIVATE_URLS: "maybe", SUPABASE_URL: "http://example.com" },
    cwdEnv: "WORKER_ID=a/b",
    json: {
      maxConcurent: 3,
      MAX_CONCURRENT_TASKS: 3,
      home: "/x",
      controlPort: 1.5,
      inputRoots: [],
      zzz: null,
    },
  });
  const lines = error.problems.map(({ field, source, message }) => {
    const place = source.endsWith("config.json") ? "config.json" : source.replace(/ in .*/, "");
    return `${field} | ${place} | ${message}`;
  });
  const url = "must be an https:// address (http:// only on this machine) without a user, query or fragment";
  assert.deepEqual(lines, [
    "maxConcurent | config.json | is not a known field",
    "MAX_CONCURRENT_TASKS | config.json | is not a known field",
    "home | config.json | is not a known field",
    "zzz | config.json | is not a known field",
    'workerId | .env WORKER_ID | must be 1 to 128 letters, digits, dots, dashes or underscores, but is "a/b"',
    `supabaseUrl | environment SUPABASE_URL | ${url}, but is "http://example.com"`,
    'maxConcurrent | flag --max-concurrent | must be a whole number from 1 to 5000, but is "many"',
    'maxConcurrent | environment MAX_CONCURRENT_TASKS | must be a whole number from 1 to 5000, but is "0"',
    "allowPrivateUrls | environment TASK_ALLOW_PRIVATE_URLS | must be true or false (also 1/0, yes/no, on/off), " +
    'but is "maybe"',
    "inputRoots | config.json inputRoots | must name at least one folder, but is []",
    "controlPort | config.json controlPort | must be a whole number from 0 to 65535, but is 1.5",
  ]);
  assert.deepEqual(error.problems.slice(0, 4).map(({ fix }) => fix), [
    "Did you mean maxConcurrent?",
    "Did you mean maxConcurrent?",
    "Set ACTP_HOME or --home instead: this file is found through it.",
    "Remove it.",
  ]);
});

Deno.test("the message has one line per problem: field, place, what is wrong, what to do", async () => {
  const { message } = await problemsOf({ env: { WORKER_ID: "a/b", WORKER_LOG_FORMAT: "xml" } });
  assert.equal(
    message,
    `The configuration has 2 problems:
  - workerId (environment WORKER_ID) must be 1 to 128 letters, digits, dots, dashes or underscores, but is "a/b". \
Correct WORKER_ID or remove it.
  - logFormat (environment WORKER_LOG_FORMAT) must be one of auto, text, json, but is "xml". \
Correct WORKER_LOG_FORMAT or remove it.`,
  );
});

Deno.test("a problem never shows a secret", async () => {
  const { message } = await problemsOf({
    env: { DATABASE_URL: "mysql://u:hunter22@h/d", SUPABASE_URL: "https://u:hunter22@h" },
    json: { supabaseKey: ["hunter22"] },
    cwdEnv: "FFMPEG_PATH=x\nSUPABASE_DB_URL=hunter22",
  });
  assert.doesNotMatch(message, /hunter22/);
  assert.match(message, /databaseUrl[\s\S]*supabaseUrl[\s\S]*supabaseKey[\s\S]*supabaseDbUrl/);
});

Deno.test("config.json that is not JSON is named with line and column, without its text", async () => {
  const { problems } = await problemsOf({ json: '{\n  "workerId": "a",\n  "supabaseKey": hunter22\n}' });
  assert.equal(problems.length, 1);
  assert.equal(problems[0].message, "is not a JSON object: line 3, column 18");
  assert.match(problems[0].source, /config\.json$/);
  assert.deepEqual(await problemLines({ json: "[]" }), [
    "config.json: is not a JSON object: line 1, column 3",
  ]);
});

Deno.test("a file that cannot be read or is far too large is a problem, a folder called .env is not", async () => {
  assert.match((await problemLines({ json: " ".repeat(1_000_001) }))[0], /larger than 1000000 bytes/);
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(dir, ".env"));
    await loadConfig({ env: { ACTP_HOME: dir }, cwd: dir, hostname: "h" });
    await Deno.symlink("config.json", join(dir, "config.json"));
    await assert.rejects(loadConfig({ env: { ACTP_HOME: dir }, cwd: dir, hostname: "h" }), /cannot be read/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("fields are checked against each other", async () => {
  const key = "sb_secret_0123456789";
  const cases: [Record<string, string>, string[]][] = [
    [{ SUPABASE_URL: "https://a.b" }, ["supabaseKey: is missing beside SUPABASE_URL"]],
    [{ SUPABASE_SERVICE_ROLE_KEY: key }, ["supabaseUrl: is missing beside SUPABASE_SECRET_KEY"]],
    [{ SUPABASE_URL: "https://a.b", SUPABASE_SECRET_KEY: key, DATABASE_URL: "postgres://h/d" }, [
      "databaseUrl: is set as well as SUPABASE_URL",
    ]],
    [{ TASK_HEARTBEAT_INTERVAL_SECONDS: "31" }, [
      "leaseSeconds: is 60, less than twice the heartbeat of 31 s",
    ]],
    [{ WORKER_PROBE_PORT: "8090" }, ["healthPort: is 8090, as is controlPort"]],
  ];
  for (const [env, expected] of cases) assert.deepEqual(await problemLines({ env }), expected);
  await load({ env: { WORKER_PROBE_PORT: "0", WORKER_HEALTH_PORT: "0", TASK_LEASE_SECONDS: "30" } });
});

Deno.test("what hangs on a field that is itself wrong is not judged", async () => {
  const env = { SUPABASE_URL: "nonsense", SUPABASE_SECRET_KEY: "sb_secret_0123456789" };
  assert.equal((await problemsOf({ env })).problems.length, 1);
});

Deno.test("the database is chosen by what is set", async () => {
  const supabase = { SUPABASE_URL: "http://127.0.0.1:54321/", SUPABASE_SECRET_KEY: "abcdefgh" };
  const { config } = await load({ env: supabase });
  assert.equal(config.supabaseUrl, "http://127.0.0.1:54321");
  assert.equal(databaseKind(config), "supabase");
  assert.equal(databaseKind((await load({ env: { DATABASE_URL: "postgresql://h/d" } })).config), "postgres");
});

Deno.test("paths become absolute against where they were given; programs on PATH stay names", () =>
  withConfig({
    env: { TASK_INPUT_ROOTS: "in:/abs:~/mine", FFMPEG_PATH: "./bin/ffmpeg", FFPROBE_PATH: "ffprobe7" },
    json: { outputDir: "out" },
  }, async (loading, { home, cwd }) => {
    const { config } = await loading;
    assert.deepEqual(config.inputRoots, [join(cwd, "in"), "/abs", join(home, "..", "mine")]);
    assert.equal(config.ffmpegPath, join(cwd, "bin/ffmpeg"));
    assert.equal(config.ffprobePath, "ffprobe7");
    assert.equal(config.outputDir, join(home, "out"));
  }));

Deno.test("the home folder comes from the flag, the environment or .env here, and .env there cannot move it", () =>
  withConfig(
    { env: { ACTP_HOME: "" }, cwdEnv: "ACTP_HOME=../home", homeEnv: "ACTP_HOME=/other" },
    async (loading, at) => {
      const { config, origins, warnings } = await loading;
      assert.equal(config.home, at.home);
      assert.equal(origins.home.source, ".env");
      assert.match(warnings.join(), /has no effect/);
      const flagged = await loadConfig({ flags: { home: "h" }, env: {}, cwd: at.cwd, hostname: "h" });
      assert.equal(flagged.config.downloadDir, join(at.cwd, "h", "tmp"));
    },
  ));

Deno.test("without any home folder, that is a problem", async () => {
  assert.deepEqual(await problemLines({ env: { ACTP_HOME: "", HOME: "" } }), [
    "home: is not known: neither ACTP_HOME nor HOME is set",
  ]);
});

Deno.test("a file with secrets that others can read brings a warning", () =>
  withConfig({ cwdEnv: "DATABASE_URL=postgres://h/d" }, async (loading, { cwd, home }) => {
    assert.deepEqual((await loading).warnings, []);
    await Deno.chmod(join(cwd, ".env"), 0o644);
    const { warnings } = await loadConfig({ env: { ACTP_HOME: home }, cwd, hostname: "h" });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /\.env can be read by others and holds DATABASE_URL: run chmod 600/);
  }));

Deno.test("secrets are masked for showing and known to the redactor", async () => {
  const loaded = await load({
    env: { DATABASE_URL: "postgres://me:p%40ss-word@h:5432/prod" },
    json: {
      supabaseDbUrl: "postgres://h/d?password=in-query",
      commands: [{ name: "a", program: "b", setEnv: { API_TOKEN: "tok-123", MODE: "fast" } }],
    },
  });
  const rows = Object.fromEntries(describeConfig(loaded).map((row) => [row.key, row]));
  assert.deepEqual(rows.databaseUrl, {
    key: "databaseUrl",
    value: "••••prod",
    origin: "environment DATABASE_URL",
  });
  assert.deepEqual(rows.supabaseKey, { key: "supabaseKey", value: null, origin: "default" });
  assert.deepEqual(rows.maxConcurrent, { key: "maxConcurrent", value: "3", origin: "default" });
  assert.match(rows.commands.value!, /"MODE":"fast"/);
  assert.doesNotMatch(JSON.stringify(rows), /p%40ss|p@ss|tok-123/);
  const secrets = secretsOf(loaded.config);
  for (const secret of ["p@ss-word", "p%40ss-word", "me:p%40ss-word", "tok-123", "in-query"]) {
    assert.ok(secrets.includes(secret), secret);
  }
  assert.ok(!secrets.includes("fast"));
});

Deno.test("the finished configuration cannot be changed", async () => {
  const { config } = await load({ json: { commands: [{ name: "a", program: "b" }] } });
  assert.throws(() => Object.assign(config, { maxConcurrent: 9 }), TypeError);
  assert.throws(() => config.inputRoots.push("/"), TypeError);
  assert.throws(() => config.commands[0].args.push("x"), TypeError);
});

Deno.test("a declared command must not take a built-in type, and its problems name their place", async () => {
  const lines = await problemLines({
    json: { commands: [{ name: "probe", program: "true" }] },
    reservedTypes: ["probe"],
  });
  assert.deepEqual(lines, ["commands: declares probe, which is a task type of the worker itself"]);
  const wrong = await problemLines({ json: { commands: [{ name: "a", program: "true", args: ["{x}"] }] } });
  assert.match(wrong.join(), /^commands\[0\]\.args\[0\]: names \{x\}/);
});

Deno.test("limits by type or pattern are an object, or one text in the environment", async () => {
  const limits = { remotion_render: 1, "safari_*": 2 };
  assert.deepEqual((await load({ json: { concurrency: limits } })).config.concurrency, limits);
  const env = { TASK_CONCURRENCY: " remotion_render=1, safari_*=2 " };
  assert.deepEqual((await load({ env })).config.concurrency, limits);
  assert.equal((await load()).config.concurrency, undefined);
});

Deno.test("a limit that means nothing is named with its pattern", async () => {
  const lines = (value: unknown) => problemLines({ json: { concurrency: value } });
  assert.deepEqual(await lines({ render: 0 }), ["concurrency.render: must be 1 to 5000"]);
  assert.match(
    (await lines({ "*x": 1 })).join(),
    /^concurrency.*must be a task type, or its beginning followed by \*/,
  );
  const text = await problemLines({ env: { TASK_CONCURRENCY: "render:1" } });
  assert.match(text.join(), /^concurrency: must be like remotion_render=1,safari_\*=1, but is "render:1"/);
});
