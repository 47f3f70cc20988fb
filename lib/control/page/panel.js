// The panel at the side in which one thing is shown with everything about it; the address says which.
import { h, patch } from "./dom.js";
import { changed, state } from "./store.js";
import { toasts } from "./toasts.js";

let content;

/** Says what the panel shows; to be called while a view is drawn. */
export function panel(heading, body, more) {
  content = { heading, body, more };
  return undefined;
}

/** The address of the view without the panel. */
function viewAddress() {
  const { view, query } = state.route;
  return `#/${view}${query.size > 0 ? `?${query}` : ""}`;
}

/** Shows what was said while drawing, or nothing. */
export function drawPanel() {
  const dialog = document.getElementById("panel");
  const open = content;
  content = undefined;
  if (!open) {
    if (dialog.open) dialog.close();
    return;
  }
  patch(dialog, [
    h(
      "header",
      { class: "panel-head", key: "head" },
      h("h2", { id: "panel-title", tabindex: -1 }, open.heading),
      h(
        "button",
        { type: "button", class: "icon", "aria-label": "Close", onclick: leave },
        "×",
      ),
      open.more && h("div", { class: "row panel-more" }, open.more),
    ),
    h("div", { class: "panel-body", key: "body" }, open.body),
    h("div", { class: "toasts", role: "status", "aria-label": "Done", key: "toasts" }, toasts()),
  ]);
  if (dialog.open) return;
  dialog.showModal();
  document.getElementById("panel-title").focus();
}

/** At once: until the dialog's own event comes, a drawing would open it again. */
function leave() {
  if (state.route.id !== undefined) {
    location.hash = viewAddress();
    state.route = { ...state.route, id: undefined };
  }
  document.getElementById("panel").close();
}

/** Makes it close by its button, by Escape and by a click beside it; once. */
export function startPanel() {
  const dialog = document.getElementById("panel");
  dialog.addEventListener("click", ({ target }) => target === dialog && leave());
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    leave();
  });
  dialog.addEventListener("close", () => {
    if (dialog.open) return;
    patch(dialog, []);
    leave();
    changed();
  });
}
