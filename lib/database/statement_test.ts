import { deepEqual, equal, throws } from "node:assert/strict";
import { callStatement, readSignatures } from "./statement.ts";

const signatures = readSignatures([
  { name: "actp_f", arg: "p_id", type: "uuid", optional: false },
  { name: "actp_f", arg: "p_limit", type: "integer", optional: true },
  { name: "actp_none", arg: null, type: null, optional: null },
]);

Deno.test("signatures tell each argument's type and whether it may be left out", () => {
  deepEqual(signatures.get("actp_f")!.get("p_limit"), { type: "integer", optional: true });
  equal(signatures.get("actp_none")!.size, 0);
});

Deno.test("a call passes only the given arguments, typed and by name", () => {
  equal(
    callStatement(signatures, "actp_f", ["p_id"]),
    'select public."actp_f"("p_id" := a."p_id")::text as result from json_to_record($1::text::json) as a("p_id" uuid)',
  );
});

Deno.test("a function without arguments still takes the one parameter that every statement has", () => {
  equal(
    callStatement(signatures, "actp_none", []),
    'select public."actp_none"()::text as result where $1::text is not null',
  );
});

Deno.test("an unknown function or argument, or a missing one, is never sent", () => {
  const calls: [string, string[]][] = [
    ["actp_g", []],
    ["actp_f", ["p_id", "p_other"]],
    ["actp_f", ["p_limit"]],
    ["actp_f", []],
    ['actp_f"; drop table x; --', ["p_id"]],
    ["actp_f", ["p_id", '"; --']],
  ];
  for (const [fn, args] of calls) {
    throws(() => callStatement(signatures, fn, args), { code: "PGRST202", transient: false });
  }
});
