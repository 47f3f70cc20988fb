// What was done, for a few seconds, and taking it back. Beside an open panel nothing else of the page can be pressed, so
// they stand in the panel then.
import { act, dismiss, failureOf, said } from "./api.js";
import { h, patch } from "./dom.js";
import { plainButton } from "./parts.js";
import { onChange, state } from "./store.js";

/** Those of the moment. */
export function toasts() {
  return state.toasts.map(({ id, text, undo }) =>
    h(
      "div",
      { class: "toast", key: id },
      h("span", null, text),
      undo && plainButton("Undo", () => {
        dismiss(id);
        void takeBack(id, undo);
      }, { class: "link" }),
      h(
        "button",
        { type: "button", class: "icon", "aria-label": "Dismiss", onclick: () => dismiss(id) },
        "×",
      ),
    )
  );
}

async function takeBack(id, undo) {
  const place = `undo ${id}`;
  if (await act(place, undo)) said("Taken back.");
  else said(`Not taken back: ${failureOf(place)}`);
}

/** Shows them where no panel is open; once. */
export function startToasts() {
  const place = document.getElementById("toasts");
  const panel = document.getElementById("panel");
  onChange(() => patch(place, panel.open ? [] : toasts()));
}
