import { deepEqual, equal } from "node:assert/strict";
import { ruleFor } from "./approval_rules.ts";

const COMMENT = {
  kind: "comment",
  platform: "tiktok",
  account: "me",
  summary: "comment on tiktok",
  preview: {},
};

Deno.test("the first rule that fits counts, by its name or its place", () => {
  const rules = [
    { agent: "other", perDay: 1 },
    { platform: "TikTok", kinds: ["comment", "reply"], perDay: 5 },
    { name: "all", perDay: 9 },
  ];
  deepEqual(ruleFor(rules, "social-media-agent", COMMENT), { name: "2", per_day: 5 });
  deepEqual(ruleFor(rules, "social-media-agent", { ...COMMENT, kind: "message" }), {
    name: "all",
    per_day: 9,
  });
});

Deno.test("an act without a platform is not trusted by a rule for one", () => {
  const { platform: _, ...act } = COMMENT;
  equal(ruleFor([{ platform: "tiktok", perDay: 5 }], "a", act), undefined);
});

Deno.test("an account that is not the rule's is not trusted", () => {
  equal(ruleFor([{ account: "other", perDay: 5 }], "a", COMMENT), undefined);
});

Deno.test("an act that is always asked about falls under no rule", () => {
  equal(ruleFor([{ perDay: 5 }], "a", { ...COMMENT, alwaysAsk: true }), undefined);
});
