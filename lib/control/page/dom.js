// A very small way to say what the page should look like: `h` describes, `patch` changes only what differs, so that
// focus, selection and screen readers are left in peace. Text is only ever set as text. A framework would cost more
// than the whole page may.

const SVG = "http://www.w3.org/2000/svg";
const KEY = Symbol("key");
const PROPS = Symbol("props");
/** Of the element rather than of its markup; what a person is typing is left alone. */
const PROPERTIES = new Set(["value", "checked", "disabled", "selected"]);

/** Describes an element. `key` keeps it the same one among its siblings; `init` is called once, when it is made. */
export function h(tag, props, ...children) {
  return {
    tag,
    props: props ?? {},
    children: children.flat(9).filter((child) =>
      child !== undefined && child !== null && child !== false && child !== ""
    ),
  };
}

/** Makes the children of `parent` those that are described. */
export function patch(parent, tree) {
  const wanted = [tree].flat(9).filter((item) =>
    item !== undefined && item !== null && item !== false && item !== ""
  );
  const keys = new Set(wanted.map((item) => item.props?.key));
  const kept = new Map();
  for (const node of [...parent.childNodes]) {
    if (node[KEY] === undefined) continue;
    if (keys.has(node[KEY])) kept.set(node[KEY], node);
    else node.remove();
  }
  let at = parent.firstChild;
  for (const item of wanted) {
    const node = nodeFor(item, at, kept, parent);
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
    if (item.tag) update(node, item);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function nodeFor(item, at, kept, parent) {
  if (!item.tag) {
    const text = String(item);
    if (at?.nodeType !== Node.TEXT_NODE) return document.createTextNode(text);
    if (at.data !== text) at.data = text;
    return at;
  }
  const { key } = item.props;
  const old = key === undefined ? at : kept.get(key);
  if (old?.localName === item.tag && old[KEY] === key) return old;
  const svg = item.tag === "svg" || parent.namespaceURI === SVG;
  const node = svg ? document.createElementNS(SVG, item.tag) : document.createElement(item.tag);
  node[KEY] = key;
  node[PROPS] = {};
  item.props.init?.(node);
  return node;
}

function update(node, { props, children }) {
  const old = node[PROPS] ?? {};
  for (const name of Object.keys(old)) if (!(name in props)) set(node, name, undefined);
  for (const [name, value] of Object.entries(props)) {
    if (old[name] !== value || PROPERTIES.has(name)) set(node, name, value);
  }
  node[PROPS] = props;
  patch(node, children);
}

function set(node, name, value) {
  if (name === "key" || name === "init") return;
  if (name.startsWith("on")) node[name] = value ?? null;
  else if (PROPERTIES.has(name) && node.localName !== "progress") {
    const now = value ?? (name === "value" ? "" : false);
    if (node[name] !== now && !(name === "value" && node === document.activeElement)) node[name] = now;
  } else if (value === undefined || value === null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? "" : value);
}
