import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { messageParts } from "./message_parts.ts";

Deno.test("a long text is cut between paragraphs, lines or words, and nothing of it is lost", () => {
  deepEqual(messageParts("one two", 10), ["one two"]);
  deepEqual(messageParts("first part\n\nsecond part", 14), ["first part", "second part"]);
  deepEqual(messageParts("", 10), []);
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", maxLength: 400 }),
      fc.integer({ min: 4, max: 60 }),
      (text, max) => {
        const parts = messageParts(text, max);
        ok(parts.every((part) => part.length <= max && part !== "" && part.isWellFormed()));
        equal(parts.join("").replace(/\s/g, ""), text.replace(/\s/g, ""));
      },
    ),
  );
});
