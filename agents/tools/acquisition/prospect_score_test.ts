import { equal, ok } from "node:assert/strict";
import { type ProspectFacts, scoreProspect } from "./prospect_score.ts";

const NOTHING: ProspectFacts = {
  niche: null,
  followers: null,
  engagement_rate: null,
  platforms: [],
  sells: null,
};
const NICHES = ["solopreneur", "ai_automation"];

Deno.test("a solopreneur with 50,000 followers scores 80 or more", () => {
  const { score, known } = scoreProspect({ ...NOTHING, niche: "Solopreneur", followers: 50_000 }, NICHES);
  ok(score >= 80, `${score}`);
  equal(known, 0.5);
});

Deno.test("what is not known neither helps nor hurts, and is told", () => {
  const alone = scoreProspect({ ...NOTHING, sells: true }, NICHES);
  equal(alone.score, 100);
  equal(alone.known, 0.2);
  equal(alone.parts.audience, null);
  equal(scoreProspect(NOTHING, NICHES).score, 0);
});

Deno.test("without niches that are sought, the niche does not count", () => {
  equal(scoreProspect({ ...NOTHING, niche: "anything" }, []).known, 0);
});

Deno.test("more followers are better up to half a million, and worse beyond", () => {
  const audience = (followers: number) => scoreProspect({ ...NOTHING, followers }, []).score;
  const rising = [500, 1_000, 5_000, 10_000, 50_000, 100_000].map(audience);
  equal(rising.join(), rising.toSorted((a, b) => a - b).join());
  equal(audience(10_000), 80);
  equal(audience(500_000), 100);
  ok(audience(600_000) < 80 && audience(6_000_000) < audience(600_000));
});

Deno.test("an engagement above 3 percent and three platforms are full points", () => {
  const { parts } = scoreProspect({ ...NOTHING, engagement_rate: 3, platforms: ["x", "y", "z"] }, []);
  equal(parts.engagement, 100);
  equal(parts.presence, 100);
  equal(scoreProspect({ ...NOTHING, platforms: ["x", "x"] }, []).parts.presence, 30);
});
