import assert from "node:assert/strict";
import { routine } from "../testing/schedule_bench.ts";
import { Plan } from "./plan.ts";

const MINUTE = 60_000;
const every = (id: string, minutes: number, enabled = true) =>
  routine({ id, schedule: { everySeconds: minutes * 60 }, enabled });
const state = (id: string, handledUntil = 0, switched: boolean | null = null) => ({
  id,
  anchor: 0,
  handledUntil,
  switched,
});

function planOf(...routines: ReturnType<typeof every>[]) {
  const plan = new Plan(routines, "UTC");
  plan.take(routines.map(({ id }) => state(id)));
  return plan;
}

Deno.test("nothing is due before the database has told what was dealt with", () => {
  const plan = new Plan([every("a", 1)], "UTC");
  assert.deepEqual([plan.nextAt(), plan.due(1e15, 10)], [undefined, []]);
  plan.take([state("a", 30 * MINUTE)]);
  assert.equal(plan.nextAt(), 31 * MINUTE);
});

Deno.test("what is due comes out once, and is due again when it has been dealt with", () => {
  const plan = planOf(every("a", 1), every("b", 2));
  const claims = plan.due(2 * MINUTE, 10);
  assert.deepEqual(claims.map(({ id, until }) => [id, until]), [["a", 2 * MINUTE], ["b", 2 * MINUTE]]);
  assert.deepEqual([plan.due(2 * MINUTE, 10), plan.nextAt()], [[], undefined]);
  for (const { id, until } of claims) plan.handled(id, until);
  plan.putBack(claims);
  assert.equal(plan.nextAt(), 3 * MINUTE);
});

Deno.test("what could not be claimed is put back", () => {
  const plan = planOf(every("a", 1), every("b", 1));
  const claims = plan.due(MINUTE, 10);
  plan.handled("a", MINUTE);
  plan.putBack(claims);
  assert.deepEqual(plan.due(MINUTE, 10).map(({ id }) => id), ["b"]);
});

Deno.test("only so many come out at once", () => {
  const plan = planOf(...Array.from({ length: 5 }, (_, index) => every(`r${index}`, 1)));
  assert.equal(plan.due(MINUTE, 3).length, 3);
  assert.equal(plan.due(MINUTE, 3).length, 2);
});

Deno.test("a person's word goes before the configuration", () => {
  const plan = planOf(every("a", 1), every("b", 1, false));
  assert.equal(plan.on(), 1);
  plan.take([{ id: "a", handledUntil: 0, switched: false }, { id: "b", handledUntil: 0, switched: true }]);
  assert.deepEqual(plan.due(MINUTE, 10).map(({ id }) => id), ["b"]);
});

Deno.test("what the database does not know is not due until it has been told again", () => {
  const plan = planOf(every("a", 1));
  const claims = plan.due(MINUTE, 10);
  plan.drop("a");
  plan.putBack(claims);
  assert.equal(plan.nextAt(), undefined);
  plan.take([state("a", MINUTE)]);
  assert.equal(plan.nextAt(), 2 * MINUTE);
});

Deno.test("an id that comes twice is refused", () => {
  assert.throws(() => new Plan([every("a", 1), every("a", 2)], "UTC"), /the routine a is there twice/);
});
