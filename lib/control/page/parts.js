// The pieces that every view is made of.
import { act, failureOf, forget, isBusy } from "./api.js";
import { h } from "./dom.js";
import { dateTime, pretty, relative, words } from "./format.js";

/** A state as a coloured word; the colour says nothing that the word does not. */
export function chip(status, text = words(status)) {
  return h("span", { class: "chip", "data-state": status }, text);
}

/** A time as people say it, with the exact one on pointing at it. */
export function when(iso) {
  if (!iso) return "–";
  return h("time", { datetime: iso, title: dateTime(iso) }, relative(iso));
}

/** A button that does `work` for a place of the page, see {@link act}. */
export function button(place, label, work, props = {}) {
  return h("button", {
    type: "button",
    ...props,
    class: `button ${props.class ?? ""}`.trim(),
    disabled: isBusy(place) || props.disabled === true,
    onclick: () => act(place, work),
  }, label);
}

/** A button that only changes what is shown. */
export function plainButton(label, onclick, props = {}) {
  return h(
    "button",
    { type: "button", ...props, class: `button ${props.class ?? ""}`.trim(), onclick },
    label,
  );
}

/** Why the last act at this place failed, where it did. */
export function failure(place) {
  const message = failureOf(place);
  if (message === undefined) return undefined;
  return h(
    "p",
    { class: "failure", role: "alert", key: `failure ${place}` },
    h("span", null, message),
    h("button", {
      type: "button",
      class: "icon",
      "aria-label": "Dismiss this error",
      onclick: () => forget(place),
    }, "×"),
  );
}

/** A card with a heading; `more` stands at the right of it. */
export function card(id, heading, more, ...body) {
  return h(
    "section",
    { class: "card", key: id, "aria-labelledby": `${id}-title` },
    h(
      "div",
      { class: "card-head" },
      h("h2", { id: `${id}-title` }, heading),
      more && h("div", { class: "card-more" }, more),
    ),
    body,
  );
}

/** What to say where there is nothing, and what to do about it. */
export function empty(text, command, then) {
  return h(
    "p",
    { class: "empty" },
    h("span", null, text),
    command && h("code", null, command),
    then && h("span", null, then),
  );
}

/** Names with their values. */
export function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs.filter((pair) => pair && pair[1] !== undefined).map(([name, value]) =>
      h(
        "div",
        { key: name },
        h("dt", null, name),
        h("dd", null, value === null || value === "" ? "–" : value),
      )
    ),
  );
}

/** Text or JSON as it is, to scroll in. */
export function block(label, value) {
  return h("pre", { class: "block", tabindex: 0, role: "region", "aria-label": label }, pretty(value));
}

/** A part of a dialog with a heading. */
export function part(heading, ...body) {
  return h("section", { class: "part", key: heading }, h("h3", null, heading), body);
}

/** How far something is; without a figure it only says that it runs. */
export function bar(label, percent) {
  return h("progress", {
    max: 100,
    value: percent === undefined ? undefined : Math.round(percent),
    "aria-label": label,
  });
}

/** How much of a limit is used up. */
export function meter(label, used, limit) {
  const share = limit > 0 ? Math.min(100, used / limit * 100) : 100;
  const level = share >= 100 ? "full" : share >= 80 ? "high" : "low";
  return h("progress", {
    class: "meter",
    max: 100,
    value: Math.round(share),
    "data-level": level,
    "aria-label": label,
  });
}

/** One of several ways to look at something. `options`: [value, label] pairs. */
export function segments(label, options, chosen, choose) {
  return h(
    "div",
    { class: "segments", role: "group", "aria-label": label },
    options.map(([value, text]) =>
      h("button", {
        type: "button",
        key: value,
        "aria-pressed": String(value === chosen),
        onclick: () => choose(value),
      }, text)
    ),
  );
}

/** A table; every row is [key, cells, props]. Narrow screens show each row as a card: cells are labelled there. */
export function table(label, head, rows) {
  return h(
    "div",
    { class: "scroll", role: "region", "aria-label": label, tabindex: 0 },
    h(
      "table",
      { role: "table" },
      h(
        "thead",
        { role: "rowgroup" },
        h(
          "tr",
          { role: "row" },
          head.map(([text, props]) => h("th", { scope: "col", role: "columnheader", ...props }, text)),
        ),
      ),
      h(
        "tbody",
        { role: "rowgroup" },
        rows.map(([key, cells, props]) =>
          h(
            "tr",
            { key, role: "row", ...props },
            cells.map((cell, column) =>
              h("td", {
                role: "cell",
                "data-label": head[column][2] ?? head[column][0],
                class: head[column][1]?.class,
              }, cell)
            ),
          )
        ),
      ),
    ),
  );
}

/** A column heading that only screen readers need. */
export const UNSEEN = [h("span", { class: "unseen" }, "Actions"), { class: "actions" }, ""];
