/** Reading a chart of charts.youtube.com, where YouTube shows what is trending. Runs inside the page. */
import type { PageKit } from "../../browser/page_kit.ts";
import type { PageElement } from "../../browser/page_window.ts";
import type { RawItem } from "../item.ts";

/**
 * Each row is a `ytmc-entry-row`; the video is named by a link, by the JSON in an `endpoint` attribute, or by the
 * address of its picture, in the row itself or in the shadow of an element of it. Self-contained.
 */
export function readYoutubeCharts(kit: PageKit): RawItem[] {
  const found: RawItem[] = [];
  for (const row of kit.window.document.querySelectorAll("ytmc-entry-row")) {
    const roots: PageElement[] = [row];
    for (const element of row.querySelectorAll("*")) if (element.shadowRoot) roots.push(element.shadowRoot);
    const all = (selector: string) => roots.flatMap((root) => [...root.querySelectorAll(selector)]);
    const text = (selector: string) =>
      all(selector).map((element) => element.textContent?.trim()).find(Boolean);
    const picture = all("img[src]").map((element) => element.getAttribute("src") ?? "");
    const addresses = [
      ...all("a[href]").map((element) => element.getAttribute("href") ?? ""),
      ...all("[endpoint]").map((element) => element.getAttribute("endpoint") ?? ""),
      ...picture,
    ];
    const id = addresses.map((address) =>
      /(?:[?&]v=|youtu\.be\/|\/shorts\/|\/vi(?:_webp)?\/)([\w-]{11})/.exec(address)
    )
      .find(Boolean)?.[1];
    if (id === undefined) continue;
    found.push({
      id,
      kind: addresses.some((address) => address.includes(`/shorts/${id}`)) ? "short" : "video",
      author_name: text("#artist-names, .artistName, .subtitle"),
      caption: text("#entity-title, #video-title-link, .title"),
      views: text("#views-count, .views"),
      thumbnail: picture.find((address) => /^https?:/.test(address)),
    });
  }
  return found;
}
