import assert from "node:assert/strict";
import fc from "fast-check";
import { closest } from "./hints.ts";
import { locateJsonMistake, parseEnvFile } from "./files.ts";

Deno.test("a .env file is read with its comments, quotes, exports and line ends", () => {
  const text = [
    "\uFEFFA=1",
    "export B = two words # comment",
    'C="x\\ny # \\"z\\"" # comment',
    "D='raw\\n'",
    'E="over',
    'lines"',
    "F=",
    "# G=no",
    "no line at all",
    "H=a=b\r",
    "I=`it's`",
    'J="unclosed',
    "A=last",
    "__proto__=p",
  ].join("\n");
  assert.deepEqual(Object.entries(parseEnvFile(text)), [
    ["A", "last"],
    ["B", "two words"],
    ["C", 'x\ny # "z"'],
    ["D", "raw\\n"],
    ["E", "over\nlines"],
    ["F", ""],
    ["H", "a=b"],
    ["I", "it's"],
    ["J", '"unclosed'],
    ["__proto__", "p"],
  ]);
});

Deno.test("the place of the first JSON mistake is found", () => {
  const cases: [string, number, number][] = [
    ["", 1, 1],
    ["{", 1, 2],
    ['{"a": x}', 1, 7],
    ['{"a": 1,}', 1, 9],
    ['{\n  "a" 1\n}', 2, 7],
    ["[1 2]", 1, 4],
    ["[1,]", 1, 4],
    ["{'a': 1}", 1, 2],
    ["{} // done", 1, 4],
    ['{"a": "b\nc"}', 1, 7],
    ['{"a": [1, {"b": 2]}', 1, 18],
    ['{"a": 1]', 1, 8],
    ["[01]", 1, 3],
  ];
  for (const [text, line, column] of cases) {
    assert.throws(() => JSON.parse(text), text);
    assert.deepEqual(locateJsonMistake(text), { line, column }, text);
  }
});

Deno.test("a cut-off JSON text goes wrong at its end, and garbage never confuses the search", () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), (json, at) => {
      const cut = `[${json}`.slice(0, 1 + at % (json.length + 1));
      const { line, column } = locateJsonMistake(cut);
      assert.ok(line === 1 && column >= 1 && column <= cut.length + 1);
    }),
    { seed: 7 },
  );
  fc.assert(
    fc.property(fc.json(), (json) => assert.equal(locateJsonMistake(json).column, json.trimEnd().length + 1)),
    { seed: 7 },
  );
});

Deno.test("a near name is guessed, a far one is not", () => {
  const keys = ["maxConcurrent", "logLevel", "commands"] as const;
  assert.equal(closest("max_concurent", keys), "maxConcurrent");
  assert.equal(closest("loglevel", keys), "logLevel");
  assert.equal(closest("colour", keys), undefined);
  assert.equal(closest("x".repeat(1e6), keys), undefined);
});
