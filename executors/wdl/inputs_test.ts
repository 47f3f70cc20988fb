import assert from "node:assert/strict";
import { join } from "node:path";
import { TaskError } from "../../lib/task/task.ts";
import { testContext } from "../../lib/testing/execution_context.ts";
import { tempDir } from "../../lib/testing/temp.ts";
import type { FileSettings } from "../ffmpeg/files.ts";
import { chooseTarget, MAIN, readBundle } from "./bundle.ts";
import { documentFetcher, filePlacer, openBase, readyInputs } from "./inputs.ts";

const WDL = `version 1.0
struct Sample { File reads Array[File] more String name }
workflow w {
  input { File a  File? b  Array[File] list  Map[String, File] map  Pair[File, Int] pair  Sample sample  String s
    Directory? dir }
  call t
}
task t { input { File f  Int n } command {} runtime { cpu: 1 } }`;

const settings = (roots: string[]): FileSettings => ({
  inputRoots: roots,
  outputDir: "/nowhere",
  maxDownloadBytes: 1000,
  downloadTimeoutSeconds: 5,
  allowPrivateUrls: true,
});

/** A base folder with files inside an input folder, and a secret beside it. */
async function bench() {
  const dir = await tempDir();
  const root = join(await Deno.realPath(dir.path), "inputs");
  const base = join(root, "base");
  await Deno.mkdir(join(base, "sub"), { recursive: true });
  for (const name of ["a.txt", "b.txt", "sub/c.txt"]) await Deno.writeTextFile(join(base, name), name);
  await Deno.writeTextFile(join(dir.path, "secret.txt"), "secret");
  await Deno.symlink(join(dir.path, "secret.txt"), join(base, "link.txt"));
  await Deno.symlink(dir.path, join(base, "up"));
  const attempt = await testContext();
  const bundle = readBundle(WDL, {});
  const target = chooseTarget(bundle.documents.get(MAIN)!, undefined);
  const ready = (inputs: Record<string, unknown>, from: string | null = base) =>
    readyInputs(inputs, bundle, target, filePlacer(from ?? undefined, settings([root]), attempt.context));
  return {
    dir: dir.path,
    root,
    base,
    ready,
    context: attempt.context,
    async [Symbol.asyncDispose]() {
      await attempt[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

const fails = (work: Promise<unknown>, message: RegExp) =>
  assert.rejects(work, (error) => {
    assert.ok(error instanceof TaskError && !error.retry, String(error));
    assert.match(error.message, message);
    return true;
  });

Deno.test("every file in every kind of value becomes its absolute path, and nothing else changes", async () => {
  await using b = await bench();
  const c = join(b.base, "sub/c.txt");
  assert.deepEqual(
    await b.ready({
      "w.a": "a.txt",
      "w.b": null,
      "w.list": ["sub/c.txt", join(b.base, "a.txt")],
      "w.map": { "sub/c.txt": "sub/c.txt" },
      "w.pair": { left: "sub/c.txt", right: 1 },
      "w.sample": { reads: "sub/c.txt", more: ["./sub/../sub/c.txt"], name: "a.txt" },
      "w.s": "a.txt",
      "w.dir": "sub",
      "w.t.f": "sub/c.txt",
      "w.t.runtime.cpu": 4,
      "## a comment": "by Cromwell's custom",
      s: "without its workflow's name",
    }),
    {
      "w.a": join(b.base, "a.txt"),
      "w.b": null,
      "w.list": [c, join(b.base, "a.txt")],
      "w.map": { "sub/c.txt": c },
      "w.pair": { left: c, right: 1 },
      "w.sample": { reads: c, more: [c], name: "a.txt" },
      "w.s": "without its workflow's name",
      "w.dir": join(b.base, "sub"),
      "w.t.f": c,
      "w.t.runtime.cpu": 4,
    },
  );
  assert.deepEqual((await b.ready({ "w.pair": ["a.txt", 1] }))["w.pair"], [join(b.base, "a.txt"), 1]);
});

Deno.test("no file outside the base folder is reached, by whatever path", async () => {
  await using b = await bench();
  const paths = [
    "../../secret.txt",
    join(b.dir, "secret.txt"),
    "link.txt",
    "up/secret.txt",
    "/etc/passwd",
    "a.txt\0",
  ];
  for (const path of [...paths, "absent.txt", "sub"]) {
    await fails(b.ready({ "w.a": path }), /inputs: w\.a: there is no file .* inside options\.base_dir/);
    await fails(b.ready({ "w.list": ["a.txt", path] }), /w\.list\.1: there is no file/);
    await fails(b.ready({ "w.t.f": path }), /w\.t\.f: there is no file/);
  }
  await fails(b.ready({ "w.dir": "a.txt" }), /there is no folder/);
  await fails(
    b.ready({ "w.a": "s3://bucket/key?sig=secret" }),
    /w\.a is an address that is not fetched; only/,
  );
});

Deno.test("without a base folder files are looked for in the input folders", async () => {
  await using b = await bench();
  const wanted = { "w.a": "base/a.txt", "w.b": join(b.base, "b.txt") };
  assert.deepEqual(await b.ready(wanted, null), {
    "w.a": join(b.base, "a.txt"),
    "w.b": join(b.base, "b.txt"),
  });
  await fails(b.ready({ "w.a": "a.txt" }, null), /inside the input folders \(TASK_INPUT_ROOTS\)/);
});

Deno.test("what the WDL does not declare and values of another shape are refused", async () => {
  await using b = await bench();
  await fails(b.ready({ "w.nam": 1 }), /the workflow w has no input "w.nam" \(it has: w.a, w.b, w.list/);
  await fails(b.ready({ "v.a": "a.txt" }), /has no input "v.a"/);
  await fails(b.ready({ "w.list": "a.txt" }), /w\.list must be a list \(Array\[File\]\)/);
  await fails(b.ready({ "w.a": 7 }), /w\.a must be a path/);
  await fails(b.ready({ "w.map": [] }), /w\.map must be an object/);
  await fails(b.ready({ "w.pair": "a.txt" }), /w\.pair must be a pair/);
});

Deno.test("the base folder has to lie inside the input folders, also after its symlinks are followed", async () => {
  await using b = await bench();
  assert.equal(await openBase([b.root], "base"), b.base);
  assert.equal(await openBase([b.root], join(b.root, "base/sub/..")), b.base);
  for (const path of [b.dir, "..", "base/up", "absent", "base/a.txt", "/"]) {
    await fails(openBase([b.root], path), /options\.base_dir: there is no folder/);
  }
});

Deno.test("files and documents at addresses are downloaded under their own names, within bounds", async () => {
  await using b = await bench();
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    return pathname === "/large" ? new Response("x".repeat(2000)) : new Response(`at ${pathname}`);
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const { "w.a": path } = await b.ready({ "w.a": `${url}/data/re%20ads.fq?key=secret` });
  assert.match(String(path), /\/downloads\/1\/re_20ads\.fq$/);
  assert.equal(await Deno.readTextFile(String(path)), "at /data/re%20ads.fq");
  await fails(b.ready({ "w.a": `${url}/large` }), /larger than 1000 bytes/);
  assert.equal(await documentFetcher(settings([]), b.context)(`${url}/x.wdl`), "at /x.wdl");
  const strict = documentFetcher({ ...settings([]), allowPrivateUrls: false }, b.context);
  await fails(
    strict(`${url}/x.wdl?key=secret`),
    /the import http:\/\/[\d.:]+\/x\.wdl is not fetched: .* https only$/,
  );
});
