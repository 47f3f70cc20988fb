import assert from "node:assert/strict";
import { CONFIG_FIELDS } from "../lib/config/fields.ts";
import { parseEnvFile } from "../lib/config/files.ts";
import { envExample, withTable } from "./config_table.ts";

const read = (name: string) => Deno.readTextFile(new URL(`../${name}`, import.meta.url));
const names = CONFIG_FIELDS.flatMap(({ env }) => env);

Deno.test("docs/settings.md has the configuration table as the fields say", async () => {
  const page = await read("docs/settings.md");
  assert.equal(page, withTable(page), "run: deno run -P scripts/config_table.ts");
});

Deno.test(".env.example is as the fields say", async () => {
  assert.equal(await read(".env.example"), envExample(), "run: deno run -P scripts/config_table.ts");
});

Deno.test("every field has a variable or is structured, a description, and its flag's form", () => {
  for (const { key, env, flag, description, secret } of CONFIG_FIELDS) {
    assert.equal(env.length > 0, !description.includes("only in config.json"), key);
    assert.match(description, /^\S.*\.$/s, key);
    assert.doesNotMatch(description, /\n|\|/, key);
    if (flag) assert.match(flag, /^--[a-z-]+ <[a-z]+>$/, key);
    if (secret) assert.ok(key === "databaseUrl" || !flag, `${key} must not be in an argv`);
  }
  assert.equal(new Set(names).size, names.length, "no variable belongs to two fields");
});

Deno.test("docs/settings.md and .env.example name every variable, every flag, and no other", async () => {
  const [page, example] = [await read("docs/settings.md"), await read(".env.example")];
  const table = page.slice(page.indexOf("<!-- config -->"), page.indexOf("<!-- /config -->"));
  for (const [file, text] of [["docs/settings.md", table], [".env.example", example]]) {
    for (const name of names) assert.match(text, new RegExp(`\\b${name}\\b`), `${name} in ${file}`);
    const others = new Set(text.match(/\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b/g)).difference(new Set(names));
    assert.deepEqual([...others], [], file);
  }
  for (const { flag } of CONFIG_FIELDS) if (flag) assert.ok(table.includes(`\`${flag}\``), flag);
});

Deno.test("uncommented, .env.example sets every variable once", () => {
  const values = parseEnvFile(envExample().replace(/^# (?=[A-Z_]+=)/gm, ""));
  assert.deepEqual(Object.keys(values), CONFIG_FIELDS.flatMap(({ env }) => env.slice(0, 1)));
});

Deno.test("a document without the markers is refused", () => {
  assert.throws(() => withTable("# x"), /markers/);
});
