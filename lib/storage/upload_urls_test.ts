import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../testing/temp.ts";
import { openUploadUrls, type UploadIdentity } from "./upload_urls.ts";

const HOUR = 3_600_000;
const upload: UploadIdentity = {
  server: "https://x.test/storage/v1",
  bucket: "videos",
  path: "a.mp4",
  contentType: "video/mp4",
  sha256: "00",
};
const url = "https://x.test/storage/v1/upload/resumable/1";

/** A memory in a fresh folder, and another opened later in the same one; `time` is what their clock shows. */
async function withMemory(
  use: (
    open: () => ReturnType<typeof openUploadUrls>,
    time: { now: number },
    folder: string,
  ) => Promise<void>,
): Promise<void> {
  await using dir = await tempDir();
  const folder = join(dir.path, "uploads");
  const time = { now: Date.now() };
  await use(() => openUploadUrls(folder, () => time.now), time, folder);
}
const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name);

Deno.test("an upload is found again by whoever opens the memory next, and by nobody once it is forgotten", async () => {
  await withMemory(async (open) => {
    (await open()).remember(upload, url);
    const later = await open();
    assert.equal(await later.find(upload), url);
    later.remember(upload, `${url}0`);
    assert.equal(await later.find(upload), `${url}0`);
    await later.forget(upload);
    await later.forget(upload);
    assert.equal(await (await open()).find(upload), undefined);
  });
});

Deno.test("another file, name, bucket, type or server is another upload", async () => {
  await withMemory(async (open) => {
    const urls = await open();
    urls.remember(upload, url);
    for (const field of ["server", "bucket", "path", "contentType", "sha256"] as const) {
      assert.equal(await urls.find({ ...upload, [field]: "other" }), undefined, field);
    }
  });
});

Deno.test("entries are for their owner's eyes only, and their names tell nothing", async () => {
  await withMemory(async (open, _time, folder) => {
    (await open()).remember(upload, url);
    const [name, ...more] = names(folder);
    assert.match(name, /^[0-9a-f]{64}\.json$/);
    assert.deepEqual(more, []);
    assert.equal((await Deno.stat(join(folder, name))).mode! & 0o777, 0o600);
    assert.equal((await Deno.stat(folder)).mode! & 0o777, 0o700);
  });
});

Deno.test("after a day an upload counts as lost, and its entry is removed", async () => {
  await withMemory(async (open, time, folder) => {
    const urls = await open();
    urls.remember(upload, url);
    time.now += 23 * HOUR;
    await urls.prune();
    assert.equal(await urls.find(upload), url);
    time.now += 2 * HOUR;
    assert.equal(await urls.find(upload), undefined);
    await Deno.writeTextFile(join(folder, "half-written.part"), "");
    await urls.prune();
    assert.deepEqual(names(folder), []);
  });
});

Deno.test("a damaged entry is as good as none", async () => {
  await withMemory(async (open, _time, folder) => {
    const urls = await open();
    urls.remember(upload, url);
    for (const text of ["", "{", "null", '{"url":5,"at":1}', "[]"]) {
      await Deno.writeTextFile(join(folder, names(folder)[0]), text);
      assert.equal(await urls.find(upload), undefined, text);
    }
  });
});
