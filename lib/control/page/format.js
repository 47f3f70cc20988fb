// Figures, times and texts as people read them. Pure.

/** A span of seconds: `4 s`, `12 min`, `3 h 5 min`, `2 d 4 h`. */
export function duration(seconds) {
  if (seconds > 0 && seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds > 0 && seconds < 10) return `${seconds.toFixed(1).replace(/\.0$/, "")} s`;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86_400) return pair(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
  return pair(Math.floor(whole / 86_400), "d", Math.floor((whole % 86_400) / 3600), "h");
}

function pair(large, unit, small, smallUnit) {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}

/** Milliseconds, as {@link duration}; a dash for null. */
export function millis(ms) {
  return ms === null || ms === undefined ? "–" : duration(ms / 1000);
}

/** How long ago or until: `3 min ago`, `in 2 h`, `now`. */
export function relative(iso, now = Date.now()) {
  const seconds = Math.round((Date.parse(iso) - now) / 1000);
  if (Math.abs(seconds) < 2) return "now";
  return seconds < 0 ? `${duration(-seconds)} ago` : `in ${duration(seconds)}`;
}

/** Hours and minutes of the day here. */
export function clockTime(iso) {
  return new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** Date and time here. */
export function dateTime(iso) {
  return new Date(iso).toLocaleString([], { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
}

/** A whole number with its thousands apart; a dash for null. */
export function count(number) {
  return number === null || number === undefined ? "–" : Number(number).toLocaleString();
}

/** US dollars: small amounts to a tenth of a cent. */
export function money(usd) {
  const amount = Number(usd);
  return `$${amount.toFixed(amount !== 0 && Math.abs(amount) < 0.1 ? 3 : 2)}`;
}

/** A word of the API for people: `timed_out` → `timed out`. */
export function words(text) {
  return String(text).replaceAll("_", " ");
}

/** With a capital. */
export function title(text) {
  const said = words(text);
  return said.charAt(0).toUpperCase() + said.slice(1);
}

/** At most so many characters. */
export function shorten(text, max = 300) {
  const said = String(text ?? "");
  return said.length > max ? `${said.slice(0, max - 1)}…` : said;
}

/** The end of an id: tasks that are made one after the other begin alike. */
export function shortId(id) {
  return `…${id.slice(-6)}`;
}

/** One line of it. */
export function oneLine(value, max = 160) {
  const text = typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
  return shorten(text.replace(/\s+/g, " ").trim(), max);
}

/** JSON over several lines; what is text already stays as it is. */
export function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2) ?? "";
}

/** A schedule in a few words; the zone of a cron expression is told apart. */
export function schedule(plan) {
  if (!plan) return "";
  if (plan.cron) return plan.cron;
  if (plan.at) return `once, ${dateTime(plan.at)}`;
  return `every ${duration(plan.everySeconds ?? plan.every_seconds ?? 0)}`;
}

/** The end of an axis: the smallest number that is not below and has a round half. */
export function roundUp(number) {
  if (!(number > 2)) return 2;
  const power = 10 ** Math.floor(Math.log10(number));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((end) => end >= number && end > 1);
}
