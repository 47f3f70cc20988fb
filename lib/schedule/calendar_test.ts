import assert from "node:assert/strict";
import { Calendar } from "./calendar.ts";

Deno.test("expressions and zones are read once, as long as there are not very many", () => {
  const calendar = new Calendar("Europe/Berlin");
  assert.equal(calendar.zone(), calendar.zone("Europe/Berlin"));
  const first = calendar.pattern("0 6 * * *");
  assert.equal(calendar.pattern("0 6 * * *"), first);
  for (let minute = 0; minute < 60; minute++) {
    for (const hour of [1, 2, 3, 4]) calendar.pattern(`${minute} ${hour} * * *`);
    if (minute < 30) assert.equal(calendar.pattern("0 6 * * *"), first); // used now and then
  }
  for (let minute = 0; minute < 60; minute++) {
    for (const hour of [1, 2, 3, 4]) calendar.pattern(`${minute} ${hour} * * *`);
  }
  assert.notEqual(calendar.pattern("0 6 * * *"), first);
});
