import { deepEqual, equal } from "node:assert/strict";
import { readScore, readScripts } from "./script_answer.ts";

Deno.test("scripts are read from every envelope that the services use", () => {
  const one = { hook: "Stop this", script: "Stop this. Do that." };
  const read = [{ hook: "Stop this", body: "Stop this. Do that." }];
  for (
    const answer of [[one], { scripts: [one] }, { data: { variants: [one] } }, { data: [one] }, {
      results: [one],
    }]
  ) {
    deepEqual(readScripts(answer), read);
  }
});

Deno.test("a script without a hook begins with its first sentence, and one without text is left out", () => {
  deepEqual(readScripts(["First one. And more.", { hook: "only a hook" }, 7, { body: " " }]), [{
    hook: "First one.",
    body: "First one. And more.",
  }]);
});

Deno.test("what is no list holds no scripts", () => {
  for (const answer of [undefined, null, "x", 7, {}, { data: { data: "x" } }]) {
    deepEqual(readScripts(answer), []);
  }
});

Deno.test("a score is read with its reasons, bounded, and a figure that is none is no score", () => {
  deepEqual(
    readScore({ data: { score: 71, rejection_reasons: ["weak", 3, "long".repeat(200)] } })?.score,
    71,
  );
  deepEqual(readScore({ overall_score: 90, feedback: "good" }), { score: 90, reasons: ["good"] });
  equal(readScore({ score: 71, reasons: ["x".repeat(900)] })!.reasons[0]!.length, 300);
  for (const answer of [undefined, {}, { score: "90" }, { score: 101 }, { score: -1 }, [90]]) {
    equal(readScore(answer), undefined);
  }
});
