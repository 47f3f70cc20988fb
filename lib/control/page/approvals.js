// What waits for a person's word: everything that posts, messages or spends.
import { ask, said } from "./api.js";
import { confirm } from "./dialogs.js";
import { h } from "./dom.js";
import { pretty, relative, shortId, title, words } from "./format.js";
import { refresh } from "./live.js";
import { chip, empty, facts, part, plainButton, when } from "./parts.js";
import { changed, state, without } from "./store.js";

const AGAIN_MS = 15_000;
let decided;
let readAt = 0;

/** The view. */
export function approvals() {
  const open = state.approvals;
  if (open === null) return h("div", { class: "card" }, empty("This worker has no approvals."));
  if (!open) return h("div", { class: "card skeleton tall" });
  void loadDecided();
  const { id } = state.route;
  return [
    open.length === 0 &&
    h(
      "div",
      { class: "card" },
      empty(
        "Nothing waits for your word. What posts, messages or spends is shown here first. See earlier ones with ",
        "actp-worker approvals list",
      ),
    ),
    open.map((act) => approval(act, act.id === id)),
    decided?.length > 0 && h(
      "section",
      { class: "card", key: "decided", "aria-labelledby": "decided-title" },
      h("h2", { id: "decided-title" }, "Decided lately"),
      h("ul", { class: "list" }, decided.map(decidedLine)),
    ),
  ];
}

async function loadDecided() {
  if (Date.now() - readAt < AGAIN_MS) return;
  readAt = Date.now();
  try {
    const { approvals: all } = await ask("GET", "/approvals?status=all&limit=20");
    decided = all.filter(({ status }) => status !== "proposed");
    changed();
  } catch (error) {
    if (error instanceof Error) throw error;
    readAt = 0 - AGAIN_MS; // what is open is shown all the same, and its failures too
  }
}

/** One act in a list of them. */
export function actLine(act) {
  return h(
    "li",
    { key: act.id, class: "line" },
    chip("proposed", words(act.kind)),
    h("a", { href: "#/approvals", class: "grow strong" }, act.summary),
    h("span", { class: "quiet" }, `expires ${relative(act.expires_at)}`),
  );
}

function decidedLine(act) {
  return h(
    "li",
    { key: act.id, class: "line" },
    chip(act.status),
    h("span", { class: "grow" }, act.summary, act.error && h("span", { class: "error" }, ` ${act.error}`)),
    h(
      "span",
      { class: "quiet" },
      act.decided_by && `by ${act.decided_by}`,
      act.decision_reason && `: ${act.decision_reason}`,
    ),
    h("span", { class: "quiet" }, when(act.decided_at ?? act.requested_at)),
  );
}

function approval(act, marked) {
  return h(
    "article",
    { class: "card approval", key: act.id, "aria-labelledby": `act-${act.id}`, "data-marked": marked },
    h(
      "div",
      { class: "row" },
      chip("proposed", words(act.kind)),
      h("h2", { id: `act-${act.id}`, class: "grow" }, act.summary),
    ),
    facts([
      act.platform && ["Platform", title(act.platform)],
      act.account && ["Account", act.account],
      ["Asked by", act.agent_id ?? act.requested_by],
      ["Asked", when(act.requested_at)],
      ["Expires", when(act.expires_at)],
      act.source === "workflow" &&
      ["Task", h("a", { href: `#/tasks/${act.task_id}`, class: "mono" }, shortId(act.task_id))],
    ]),
    preview(act),
    h(
      "div",
      { class: "row" },
      plainButton("Approve", () => decide(act, "approve"), {
        class: "primary",
        "aria-label": `Approve: ${act.summary}`,
      }),
      plainButton("Reject", () => decide(act, "reject"), { "aria-label": `Reject: ${act.summary}` }),
    ),
  );
}

/** What would go out, word for word. */
function preview({ preview }) {
  const entries = Object.entries(preview ?? {});
  if (entries.length === 0) return undefined;
  return part(
    "Preview",
    h(
      "dl",
      { class: "preview" },
      entries.map(([name, value]) =>
        h(
          "div",
          { key: name },
          h("dt", null, title(name)),
          h("dd", { class: typeof value === "string" ? undefined : "mono" }, pretty(value)),
        )
      ),
    ),
  );
}

function decide(act, word) {
  const approve = word === "approve";
  confirm({
    heading: approve ? "Approve this?" : "Reject this?",
    text: act.summary,
    body: approve ? h("p", { class: "quiet" }, "It is done at once and cannot be taken back.") : undefined,
    fields: [{
      name: "reason",
      label: "Why",
      kind: "area",
      hint: approve ? "Kept with the act." : "The agent or task is told.",
    }],
    yes: approve ? "Approve and do it" : "Reject it",
    danger: !approve,
    work: async ({ reason }) => {
      await ask("POST", `/approvals/${act.id}/${word}`, reason.trim() ? { reason: reason.trim() } : {});
      state.approvals = without(state.approvals, act.id);
      readAt = 0;
      said(approve ? "Approved." : "Rejected.");
      await refresh("approvals");
    },
  });
}
