/** What a `safari_research` task may ask for. */
import { z } from "zod";

/** The platforms that can be read. */
export const PLATFORMS = ["tiktok", "instagram", "youtube"] as const;

/** The name of a platform. */
export type Platform = typeof PLATFORMS[number];

/** Letters, marks, digits and underscores of any script, as the platforms allow them. */
const HASHTAG = /^#?[\p{L}\p{M}\p{N}_]{1,100}$/u;

const text = z.string().trim().min(1).max(200).refine(
  (value) => value.isWellFormed() && !value.includes("\0"),
  "must be well-formed text",
);

/** The input's schema. */
export const researchInput = z.strictObject({
  research_type: z.enum(["search", "hashtag", "trending"]),
  query: text.optional().describe("what to search for"),
  hashtag: text.regex(HASHTAG, "must be one hashtag, with or without #").optional(),
  platforms: z.array(z.enum(PLATFORMS)).min(1).max(PLATFORMS.length).default(["tiktok", "instagram"]),
  max_items: z.number().int().min(1).max(500).default(50).describe("of all platforms together"),
  country: z.string().regex(/^[A-Za-z]{2}$/, "must be a country's two letters").default("us").describe(
    "whose chart is read for trending on youtube; the others choose by where the machine is",
  ),
}).superRefine((input, context) => {
  const missing = input.research_type === "search" && input.query === undefined
    ? "query"
    : input.research_type === "hashtag" && input.hashtag === undefined
    ? "hashtag"
    : undefined;
  if (missing) {
    context.addIssue({
      code: "custom",
      path: [missing],
      message: `is needed to research a ${input.research_type}`,
    });
  }
  if (new Set(input.platforms).size < input.platforms.length) {
    context.addIssue({ code: "custom", path: ["platforms"], message: "names a platform twice" });
  }
});

/** A checked input. */
export type ResearchInput = z.infer<typeof researchInput>;

/** One question to a platform. */
export type ResearchTarget =
  | { readonly type: "search"; readonly query: string }
  | { readonly type: "hashtag"; readonly hashtag: string }
  | { readonly type: "trending"; readonly country: string };

/** What is asked of each platform. */
export function targetOf(input: ResearchInput): ResearchTarget {
  switch (input.research_type) {
    case "search":
      return { type: "search", query: input.query! };
    case "hashtag":
      return { type: "hashtag", hashtag: input.hashtag!.replace(/^#/, "") };
    case "trending":
      return { type: "trending", country: input.country.toLowerCase() };
  }
}
