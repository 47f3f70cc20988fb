import assert from "node:assert/strict";
import { parseAnswer, readAnswer } from "./raw_answer.ts";

const bytes = (text: string) => String.fromCharCode(...new TextEncoder().encode(text));

/** A connection that gives `text` byte by byte, then ends. */
function connection(text: string): Pick<Deno.Conn, "read"> {
  const all = new TextEncoder().encode(text);
  let at = 0;
  return {
    read(buffer) {
      if (at === all.length) return Promise.resolve(null);
      buffer[0] = all[at++];
      return Promise.resolve(1);
    },
  };
}

Deno.test("answers of known length, in chunks and up to the end are read whole, whatever pieces they come in", async () => {
  for (
    const answer of [
      "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\né!!and more",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\ntransfer-encoding: chunked\r\n\r\n2;x=y\r\né\r\n2\r\n!!\r\n0\r\n\r\n",
      "HTTP/1.0 200 OK\r\n\r\né!!",
    ]
  ) assert.deepEqual(await readAnswer(connection(answer)), { status: 200, text: "é!!" }, answer);
});

Deno.test("an answer is complete only when all of it is there", () => {
  const whole = bytes("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok");
  for (let length = 0; length < whole.length; length++) {
    assert.equal(parseAnswer(whole.slice(0, length), false), undefined);
  }
  assert.deepEqual(parseAnswer(whole, false), { status: 201, text: "ok" });
});

Deno.test("answers that break off, are garbled or never end are errors", async () => {
  await assert.rejects(readAnswer(connection("")), /ended early/);
  await assert.rejects(
    readAnswer(connection("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok")),
    /ended early/,
  );
  await assert.rejects(readAnswer(connection("SSH-2.0-OpenSSH\r\n\r\n")), /does not answer in HTTP/);
  const garbled = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n";
  await assert.rejects(readAnswer(connection(garbled)), /garbled/);
  const endless: Pick<Deno.Conn, "read"> = { read: (buffer) => Promise.resolve(buffer.fill(65).length) };
  await assert.rejects(readAnswer(endless), /too large/);
});
