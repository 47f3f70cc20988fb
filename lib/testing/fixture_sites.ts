/** The platforms' sites for tests: pages of our own making with the structure of the real ones, on a local server. */
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../executors/research/fixtures/", import.meta.url));

/** A running server. */
export interface FixtureSites extends AsyncDisposable {
  /** Each site's address, without a slash at its end. */
  readonly tiktok: string;
  readonly instagram: string;
  readonly youtube: string;
  readonly youtubeCharts: string;
  /** The server's own address. */
  readonly origin: string;
  /** What was asked for, path and query, in order; only pages. */
  readonly asked: string[];
}

/** Which page each site shows, whatever is asked; a page is a file's name without `.html`, or a redirect. */
export type FixturePages = Partial<
  Record<"tiktok" | "instagram" | "youtube" | "youtubeCharts", string | { readonly to: string }>
>;

/**
 * Starts it. Sites without a page answer 404, and so do all other addresses, which nothing must ask for. `byName`
 * serves each page also under its own name.
 */
export function fixtureSites(pages: FixturePages, { byName = false } = {}): FixtureSites {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const url = new URL(request.url);
    if (url.pathname === "/favicon.ico") return new Response(null, { status: 404 });
    asked.push(url.pathname + url.search);
    const site = /^\/([a-zA-Z]+)\//.exec(url.pathname)?.[1];
    const page = pages[site as keyof FixturePages] ?? loginPage(site) ??
      (byName ? fileName(url.pathname) : undefined);
    if (page === undefined) return new Response("not here", { status: 404 });
    if (typeof page !== "string") return new Response(null, { status: 302, headers: { location: page.to } });
    const html = await Deno.readTextFile(`${FOLDER}${page}.html`);
    return new Response(html, { headers: { "content-type": "text/html; charset=utf-8" } });
  });
  const base = `http://127.0.0.1:${server.addr.port}`;
  return {
    tiktok: `${base}/tiktok`,
    instagram: `${base}/instagram`,
    youtube: `${base}/youtube`,
    youtubeCharts: `${base}/youtubeCharts`,
    origin: base,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Where Instagram and TikTok lead those who are not logged in. */
function loginPage(site: string | undefined): string | undefined {
  return site === "accounts" || site === "login" ? "login" : undefined;
}

function fileName(path: string): string | undefined {
  return /^\/(\w+)$/.exec(path)?.[1];
}
