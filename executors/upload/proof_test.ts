import assert from "node:assert/strict";
import { judge, postUrl } from "./proof.ts";

const tiktok = "https://www.tiktok.com/@jane/video/7345678901234567890";

Deno.test("the address of a post on the platform's own host is proof", () => {
  assert.deepEqual(judge("tiktok", { success: true, url: tiktok }), { kind: "posted", url: tiktok });
  const found = judge("instagram", {
    status: "ok",
    data: { permalink: "https://www.instagram.com/reel/C8abcDEF_1-/" },
  });
  assert.deepEqual(found, { kind: "posted", url: "https://www.instagram.com/reel/C8abcDEF_1-/" });
  for (
    const [platform, url] of [
      ["tiktok", "https://vm.tiktok.com/ZMabc123/"],
      ["tiktok", "https://m.tiktok.com/v/7345678901234567890.html"],
      ["instagram", "https://instagram.com/jane/p/C8abcDEF_1-"],
      ["youtube", "https://www.youtube.com/watch?v=dQw4w9WgXcQ&feature=share"],
      ["youtube", "https://youtu.be/dQw4w9WgXcQ"],
      ["youtube", "https://youtube.com/shorts/dQw4w9WgXcQ"],
      ["youtube", "https://studio.youtube.com/video/dQw4w9WgXcQ/edit"],
    ] as const
  ) assert.equal(postUrl(platform, url), url);
});

Deno.test("an address elsewhere, or of no single post, is no proof", () => {
  for (
    const url of [
      "https://tiktok.com.evil.example/@jane/video/7345678901234567890",
      "https://eviltiktok.com/@jane/video/7345678901234567890",
      "http://www.tiktok.com/@jane/video/7345678901234567890",
      "https://user:pass@www.tiktok.com/@jane/video/7345678901234567890",
      "https://www.tiktok.com/",
      "https://www.tiktok.com/upload?lang=en",
      "https://www.tiktok.com/tiktokstudio/content",
      "https://www.tiktok.com/@jane",
      "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
      "javascript:alert(1)",
      "not an address",
      7,
      null,
    ]
  ) assert.equal(postUrl("tiktok", url), undefined, String(url));
  assert.equal(postUrl("youtube", "https://www.youtube.com/watch?v=short"), undefined);
  assert.equal(postUrl("instagram", "https://www.instagram.com/create/select/"), undefined);
});

Deno.test("an id in the platform's own form is proof, a word or a command's id is not", () => {
  assert.deepEqual(judge("tiktok", { video_id: "7345678901234567890" }), {
    kind: "posted",
    id: "7345678901234567890",
  });
  assert.deepEqual(judge("youtube", { result: { id: "dQw4w9WgXcQ" } }), {
    kind: "posted",
    id: "dQw4w9WgXcQ",
  });
  assert.deepEqual(judge("instagram", { shortcode: "C8abcDEF_1-" }), { kind: "posted", id: "C8abcDEF_1-" });
  for (const id of ["pending", "success", "ok", "", "3f2b8c1e-1111-4222-8333-944455556666", true, { a: 1 }]) {
    for (const platform of ["tiktok", "instagram", "youtube"] as const) {
      assert.equal(judge(platform, { id }).kind, "unproven", `${platform} ${String(id)}`);
    }
  }
});

Deno.test("a status of success alone, and an empty answer, prove nothing", () => {
  for (
    const answer of [
      { status: "success" },
      { success: true },
      { ok: true, message: "done" },
      {},
      [],
      null,
      "ok",
    ]
  ) {
    assert.equal(judge("tiktok", answer).kind, "unproven", JSON.stringify(answer));
  }
});

Deno.test("an error in an answer of success outweighs an address in it", () => {
  const failed = (answer: unknown, reason: RegExp) => {
    const verdict = judge("tiktok", answer);
    assert.ok(verdict.kind === "failed", JSON.stringify(answer));
    assert.match(verdict.reason, reason);
  };
  failed({ success: true, url: tiktok, error: "captcha" }, /captcha/);
  failed({ url: tiktok, result: { error: { message: "log in first" } } }, /log in first/);
  failed(
    { url: tiktok, items: [{ error: "Browser automation unavailable" }] },
    /Browser automation unavailable/,
  );
  failed({ success: false, url: tiktok }, /did not succeed/);
  failed({ success: false, message: "no such account" }, /no such account/);
  failed({ status: "FAILED", url: tiktok }, /status is FAILED/);
  failed({ errors: ["too long"], url: tiktok }, /too long/);
});

Deno.test("a stub or a dry run has not posted", () => {
  for (const name of ["stub", "dry_run", "simulated", "mock"]) {
    assert.equal(judge("tiktok", { success: true, url: tiktok, [name]: true }).kind, "failed", name);
  }
});

Deno.test("fields that say that there was no error change nothing", () => {
  for (const none of [null, false, "", [], {}]) {
    assert.equal(
      judge("tiktok", { url: tiktok, error: none, errors: none }).kind,
      "posted",
      JSON.stringify(none),
    );
  }
});
