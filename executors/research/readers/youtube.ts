/** Reading YouTube's search and hashtag pages. Runs inside the page. */
import type { JsonObject, PageKit } from "../../browser/page_kit.ts";
import type { PageElement } from "../../browser/page_window.ts";
import type { RawItem } from "../item.ts";

/**
 * First the posts in `ytInitialData`, then in what YouTube's own elements hold (those that came by scrolling), in the
 * forms videoRenderer, reelItemRenderer, lockupViewModel and shortsLockupViewModel; then what the page shows.
 * Advertisements are left out. Self-contained.
 */
export function readYoutube(kit: PageKit): RawItem[] {
  const { at, window } = kit;
  const advertisements = ["adSlotRenderer", "promotedVideoRenderer", "promotedSparklesWebRenderer"];
  const elements =
    "ytd-video-renderer, ytd-rich-item-renderer, ytd-reel-item-renderer, ytd-grid-video-renderer";

  /** Text comes plain, in runs, or as the content of a view model. */
  const textOf = (value: unknown): string | null => {
    if (typeof value === "string") return value;
    const plain = at(value, "simpleText") ?? at(value, "content");
    if (typeof plain === "string") return plain;
    const runs = at(value, "runs");
    return Array.isArray(runs) ? runs.map((run) => at(run, "text")).join("") : null;
  };
  const lastOf = (list: unknown) =>
    Array.isArray(list) ? at(list, list.length - 1, "url") as string : undefined;
  const isId = (value: unknown): value is string => typeof value === "string" && /^[\w-]{11}$/.test(value);

  const isRenderer = (object: JsonObject) =>
    isId(object.videoId) && ("title" in object || "headline" in object) && "thumbnail" in object;
  const isLockup = (object: JsonObject) =>
    isId(object.contentId) && at(object, "metadata", "lockupMetadataViewModel") !== undefined &&
    /VIDEO|SHORTS/.test(String(object.contentType ?? "VIDEO"));
  const isShort = (object: JsonObject) =>
    "overlayMetadata" in object &&
    isId(at(object, "onTap", "innertubeCommand", "reelWatchEndpoint", "videoId"));

  const fromRenderer = (video: JsonObject): RawItem => {
    const owner = video.ownerText ?? video.longBylineText ?? video.shortBylineText;
    const handle = at(owner, "runs", 0, "navigationEndpoint", "browseEndpoint", "canonicalBaseUrl");
    const short = at(video, "navigationEndpoint", "reelWatchEndpoint") !== undefined || "headline" in video;
    return {
      id: video.videoId as string,
      kind: short ? "short" : "video",
      author: typeof handle === "string" && handle.startsWith("/@")
        ? decodeURIComponent(handle.slice(2))
        : null,
      author_name: textOf(owner),
      caption: textOf(video.title) ?? textOf(video.headline),
      views: textOf(video.viewCountText),
      posted: textOf(video.publishedTimeText),
      thumbnail: lastOf(at(video, "thumbnail", "thumbnails")),
      duration: textOf(video.lengthText),
    };
  };

  const fromLockup = (lockup: JsonObject): RawItem => {
    const metadata = at(lockup, "metadata", "lockupMetadataViewModel");
    const rows = at(metadata, "metadata", "contentMetadataViewModel", "metadataRows");
    const parts = (Array.isArray(rows) ? rows : []).flatMap((row) =>
      at(row, "metadataParts") as unknown[] ?? []
    );
    const texts = parts.map((part) => textOf(at(part, "text")) ?? "");
    const views = texts.find((text) => /\bviews?$/i.test(text));
    const posted = texts.find((text) => /\bago$/i.test(text));
    const link = kit.find(parts, (object) => typeof object.canonicalBaseUrl === "string")[0]
      ?.canonicalBaseUrl as string;
    const badges = kit.find(lockup.contentImage, (object) => "thumbnailBadgeViewModel" in object)
      .map((badge) => textOf(at(badge, "thumbnailBadgeViewModel", "text")) ?? "");
    return {
      id: lockup.contentId as string,
      kind: /SHORTS/.test(String(lockup.contentType)) ? "short" : "video",
      author: link?.startsWith("/@") ? decodeURIComponent(link.slice(2)) : null,
      author_name: texts.find((text) => text !== "" && text !== views && text !== posted),
      caption: textOf(at(metadata, "title")),
      views,
      posted,
      thumbnail: lastOf(at(lockup, "contentImage", "thumbnailViewModel", "image", "sources")),
      duration: badges.find((text) => /^[\d:]+$/.test(text)),
    };
  };

  const fromShort = (short: JsonObject): RawItem => ({
    id: at(short, "onTap", "innertubeCommand", "reelWatchEndpoint", "videoId") as string,
    kind: "short",
    caption: textOf(at(short, "overlayMetadata", "primaryText")),
    views: textOf(at(short, "overlayMetadata", "secondaryText")),
    thumbnail: lastOf(
      at(short, "thumbnailViewModel", "thumbnailViewModel", "image", "sources") ??
        at(short, "thumbnailViewModel", "image", "sources") ?? at(short, "thumbnail", "sources"),
    ),
  });

  const fromCard = (id: string, short: boolean, card: PageElement): RawItem => {
    const facts = [...card.querySelectorAll("#metadata-line span, .ytContentMetadataViewModelMetadataText")]
      .map((element) => element.textContent?.trim() ?? "");
    const channel = card.querySelector('a[href^="/@"]');
    return {
      id,
      kind: short ? "short" : "video",
      author: channel?.getAttribute("href")?.replace(/^\/@([^/?#]*).*$/, "$1"),
      author_name: channel?.textContent?.trim() || null,
      caption: card.querySelector("#video-title, h3[title], [title]")?.getAttribute("title") ??
        kit.text(card, "#video-title, h3"),
      views: facts.find((fact) => /\bviews?$/i.test(fact)),
      posted: facts.find((fact) => /\bago$/i.test(fact)),
      thumbnail: card.querySelector("img[src]")?.getAttribute("src"),
      duration: kit.text(card, "ytd-thumbnail-overlay-time-status-renderer, .ytBadgeShapeText"),
    };
  };

  const initialData = (): unknown[] => {
    for (const script of window.document.querySelectorAll("script:not([src])")) {
      const text = /^\s*(?:var ytInitialData|window\["ytInitialData"\]) = (\{[\s\S]*\});?\s*$/.exec(
        script.textContent ?? "",
      )?.[1];
      if (text === undefined) continue;
      try {
        return [JSON.parse(text)];
      } catch {
        continue; // another script may hold it; if none does, the page itself is read
      }
    }
    return [(window as unknown as JsonObject).ytInitialData];
  };

  const held = [...window.document.querySelectorAll(elements)].map((element) => element.data);
  const found = [...initialData(), ...held].flatMap((root) =>
    kit.find(root, (object) => isRenderer(object) || isLockup(object) || isShort(object), advertisements)
  );
  const cards = kit.cards(/\/(?:watch\?(?:.*&)?v=|shorts\/)([\w-]{11})/)
    .filter(({ card }) => card.querySelector("ytd-ad-slot-renderer, [class*='ad-badge']") === null);
  return [
    ...found.map((object) =>
      isRenderer(object) ? fromRenderer(object) : isLockup(object) ? fromLockup(object) : fromShort(object)
    ),
    ...cards.map(({ match, card }) => fromCard(match[1]!, match[0]!.includes("shorts/"), card)),
  ];
}
