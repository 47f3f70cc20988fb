/** The dashboard's files, and the headers that keep every answer out of other pages' hands. */
import { gzipSync } from "node:zlib";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import agentDetail from "./page/agent_detail.js" with { type: "text" };
import agents from "./page/agents.js" with { type: "text" };
import api from "./page/api.js" with { type: "text" };
import app from "./page/app.js" with { type: "text" };
import approvals from "./page/approvals.js" with { type: "text" };
import chart from "./page/chart.js" with { type: "text" };
import dialogs from "./page/dialogs.js" with { type: "text" };
import dom from "./page/dom.js" with { type: "text" };
import format from "./page/format.js" with { type: "text" };
import live from "./page/live.js" with { type: "text" };
import newTask from "./page/new_task.js" with { type: "text" };
import overview from "./page/overview.js" with { type: "text" };
import panel from "./page/panel.js" with { type: "text" };
import parts from "./page/parts.js" with { type: "text" };
import queues from "./page/queues.js" with { type: "text" };
import runView from "./page/run_view.js" with { type: "text" };
import schedule from "./page/schedule.js" with { type: "text" };
import store from "./page/store.js" with { type: "text" };
import taskDetail from "./page/task_detail.js" with { type: "text" };
import taskParts from "./page/task_parts.js" with { type: "text" };
import tasks from "./page/tasks.js" with { type: "text" };
import toasts from "./page/toasts.js" with { type: "text" };
import chartStyle from "./page/chart.css" with { type: "text" };
import dialogsStyle from "./page/dialogs.css" with { type: "text" };
import html from "./page/index.html" with { type: "text" };
import partsStyle from "./page/parts.css" with { type: "text" };
import style from "./page/style.css" with { type: "text" };
import tablesStyle from "./page/tables.css" with { type: "text" };

const SCRIPTS: Readonly<Record<string, string>> = {
  agent_detail: agentDetail,
  agents,
  api,
  app,
  approvals,
  chart,
  dialogs,
  dom,
  format,
  live,
  new_task: newTask,
  overview,
  panel,
  parts,
  queues,
  run_view: runView,
  schedule,
  store,
  task_detail: taskDetail,
  task_parts: taskParts,
  tasks,
  toasts,
};
/** One file on its way: the first paint waits for it. */
const STYLE = [style, partsStyle, tablesStyle, dialogsStyle, chartStyle].join("\n");

const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** Sets the same strict headers on every answer, errors included. */
export function safeHeaders(): MiddlewareHandler {
  return async (c, next) => {
    await next();
    c.header("Content-Security-Policy", CONTENT_POLICY);
    c.header("X-Content-Type-Options", "nosniff");
    c.header("Referrer-Policy", "no-referrer");
    c.header("Cross-Origin-Resource-Policy", "same-origin");
    c.header("Cache-Control", "no-store");
  };
}

/** The paths of {@link pageRoutes}. */
export const PAGE_PATHS: readonly string[] = [
  "/",
  ...Object.keys(SCRIPTS).map((name) => `/${name}.js`),
  "/style.css",
];

/** `/` and the files it is made of: no secret in them, so anybody on this machine may read them. */
export function pageRoutes(): Hono {
  const app = new Hono().get("/", textFile(html, "text/html"));
  for (const [name, text] of Object.entries(SCRIPTS)) {
    app.get(`/${name}.js`, textFile(text, "text/javascript"));
  }
  return app.get("/style.css", textFile(STYLE, "text/css"));
}

/** A quarter of the bytes for whoever takes gzip, which every browser does; packed once, when first asked for. */
function textFile(text: string, type: string): (c: Context) => Response {
  let packed: Uint8Array<ArrayBuffer> | undefined;
  return (c) => {
    const headers = { "Content-Type": `${type}; charset=utf-8`, "Vary": "Accept-Encoding" };
    if (!/\bgzip\b/.test(c.req.header("accept-encoding") ?? "")) return new Response(text, { headers });
    packed ??= new Uint8Array(gzipSync(text, { level: 9 }));
    return new Response(packed, { headers: { ...headers, "Content-Encoding": "gzip" } });
  };
}
