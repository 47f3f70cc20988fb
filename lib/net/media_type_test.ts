import assert from "node:assert/strict";
import { join } from "node:path";
import { needs } from "../testing/requirements.ts";
import { tempDir } from "../testing/temp.ts";
import { isUnspecific, matchesMediaType, SNIFF_BYTES, sniffMediaType } from "./media_type.ts";

const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

Deno.test("a type fits its own name, its group, and everything", () => {
  assert.ok(matchesMediaType("video/mp4", ["image/png", "video/mp4"]));
  assert.ok(matchesMediaType("video/mp4", ["Video/*"]));
  assert.ok(matchesMediaType("video/mp4", ["*/*"]));
  assert.ok(!matchesMediaType("video/mp4", ["video/webm", "image/*"]));
  assert.ok(!matchesMediaType("videos/mp4", ["video/*"]));
  assert.ok(!matchesMediaType("", ["video/*"]));
  assert.ok(!matchesMediaType("video/mp4", []));
});

Deno.test("some types say nothing", () => {
  assert.deepEqual(["", "application/octet-stream", "video/mp4"].map(isUnspecific), [true, true, false]);
});

Deno.test("pictures, documents and pages are known by their first bytes", () => {
  const cases = {
    "\x89PNG\r\n\x1a\n": "image/png",
    "\xff\xd8\xff\xe0": "image/jpeg",
    "GIF89a": "image/gif",
    "RIFF\x10\0\0\0WEBPVP8 ": "image/webp",
    "\0\0\0\x18ftypavif": "image/avif",
    "%PDF-1.7": "application/pdf",
    "PK\x03\x04": "application/zip",
    "\n <!DOCTYPE html><html>": "text/html",
    "<html lang='en'>": "text/html",
  };
  for (const [head, type] of Object.entries(cases)) assert.equal(sniffMediaType(bytes(head)), type, head);
});

Deno.test("what is too short or unknown has no type", () => {
  for (const head of ["", "ftyp", "\0\0\0\x18fty", "hello", "RIFF\x10\0\0\0XXXX", "\xff\xff\xff\xff", "{}"]) {
    assert.equal(sniffMediaType(bytes(head)), undefined, head);
  }
});

Deno.test({
  name: "films and sounds as ffmpeg writes them are known by their first bytes",
  ...await needs("ffmpeg"),
  fn: async () => {
    await using folder = await tempDir();
    const film = "-f lavfi -i testsrc=duration=0.2:size=64x64:rate=10 -pix_fmt yuv420p";
    const tone = "-f lavfi -i sine=frequency=440:duration=0.2";
    const cases = {
      [`${film} -c:v mpeg4 a.mp4`]: "video/mp4",
      [`${film} -c:v mpeg4 a.mov`]: "video/quicktime",
      [`${film} -c:v mpeg4 a.mkv`]: "video/x-matroska",
      [`${film} -c:v libvpx a.webm`]: "video/webm",
      [`${film} -c:v mpeg4 a.avi`]: "video/x-msvideo",
      [`${film} -c:v mpeg2video -f mpegts a.ts`]: "video/mp2t",
      [`${film} -c:v flv1 a.flv`]: "video/x-flv",
      [`${tone} -c:a aac -f ipod a.m4a`]: "audio/mp4",
      [`${tone} -c:a aac a.aac`]: "audio/aac",
      [`${tone} -c:a libmp3lame a.mp3`]: "audio/mpeg",
      [`${tone} -c:a libmp3lame -id3v2_version 0 -write_xing 0 b.mp3`]: "audio/mpeg",
      [`${tone} a.wav`]: "audio/wav",
      [`${tone} -c:a libopus a.ogg`]: "audio/ogg",
      [`${tone} a.flac`]: "audio/flac",
    };
    for (const [made, type] of Object.entries(cases)) {
      const args = ["-v", "error", ...made.split(" ")];
      const { success, stderr } = await new Deno.Command("ffmpeg", { args, cwd: folder.path, stdin: "null" })
        .output();
      assert.ok(success, new TextDecoder().decode(stderr));
      const file = await Deno.readFile(join(folder.path, args.at(-1)!));
      assert.equal(sniffMediaType(file.subarray(0, SNIFF_BYTES)), type, made);
    }
  },
});
