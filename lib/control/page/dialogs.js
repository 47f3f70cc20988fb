// Questions before something that cannot be taken back.
import { act, failureOf } from "./api.js";
import { h, patch } from "./dom.js";
import { plainButton } from "./parts.js";
import { changed, onChange } from "./store.js";

let question;

/**
 * Asks before `work`; stays open, with the reason, where that fails. `fields`: what the person may fill in:
 * {name, label, kind?: "text" | "area" | "select" | "number", value?, options?, required?, hint?}; `work` is given
 * their values.
 */
export function confirm({ heading, text, body, fields = [], yes, danger = false, work }) {
  question = { heading, text, body, fields, yes, danger, work };
  drawQuestion();
  const dialog = document.getElementById("question");
  dialog.showModal();
  (dialog.querySelector("[data-first]") ?? dialog.querySelector("button"))?.focus();
}

const PLACE = "question";
/** Only at the beginning: afterwards the choice is the person's. */
const choose = (first) => (option) => option.toggleAttribute("selected", first);

function field({ name, label, kind = "text", value, options, required, hint, list }, index) {
  const id = `field-${name}`;
  const props = { id, name, required, "aria-describedby": hint && `${id}-hint`, "data-first": index === 0 };
  const start = (node) => node.value = value ?? "";
  const input = kind === "area"
    ? h("textarea", { ...props, rows: 4, init: start, maxlength: 20000, spellcheck: "false" })
    : kind === "select"
    ? h(
      "select",
      props,
      options.map(([key, text]) => h("option", { key, value: key, init: choose(key === value) }, text)),
    )
    : h("input", {
      ...props,
      type: kind,
      init: start,
      maxlength: 500,
      autocomplete: "off",
      list: list && `${id}-list`,
    });
  return h(
    "div",
    { class: "field", key: `${question.heading} ${name}` },
    h("label", { for: id }, label, required ? "" : h("span", { class: "quiet" }, " (optional)")),
    input,
    list && h("datalist", { id: `${id}-list` }, list.map((item) => h("option", { value: item }))),
    hint && h("p", { class: "quiet hint", id: `${id}-hint` }, hint),
  );
}

function drawQuestion() {
  if (!question) return;
  const { heading, text, body, fields, yes, danger } = question;
  const dialog = document.getElementById("question");
  patch(
    dialog,
    h(
      "form",
      { method: "dialog", onsubmit: answer, key: heading },
      h("h2", { id: "question-title" }, heading),
      text && h("p", { class: "question-text" }, text),
      body,
      fields.map(field),
      failureOf(PLACE) && h("p", { class: "failure", role: "alert" }, failureOf(PLACE)),
      h(
        "div",
        { class: "row end" },
        plainButton("Not now", () => dialog.close(), { class: "ghost" }),
        h("button", { type: "submit", class: danger ? "button danger" : "button primary" }, yes),
      ),
    ),
  );
}

async function answer(event) {
  event.preventDefault();
  const values = Object.fromEntries(new FormData(event.target));
  const { work } = question;
  if (!await act(PLACE, () => work(values))) return;
  document.getElementById("question").close();
}

/** Makes the dialogs work; once. */
export function startDialogs() {
  const dialog = document.getElementById("question");
  dialog.addEventListener("close", () => {
    question = undefined;
    patch(dialog, []);
    changed();
  });
  onChange(drawQuestion);
}
