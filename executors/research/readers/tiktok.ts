/** Reading TikTok's search, hashtag and explore pages. Runs inside the page. */
import type { JsonObject, PageKit } from "../../browser/page_kit.ts";
import type { RawItem } from "../item.ts";

/**
 * First the posts that the server embedded (`__UNIVERSAL_DATA_FOR_REHYDRATION__`, before it `SIGI_STATE`), then what
 * the page shows: its grids name their parts in `data-e2e` attributes. Self-contained.
 */
export function readTiktok(kit: PageKit): RawItem[] {
  const { at } = kit;
  const isPost = (object: JsonObject) =>
    /^\d{15,20}$/.test(String(object.id ?? "")) && ("video" in object || "imagePost" in object) &&
    ("stats" in object || "statsV2" in object || "createTime" in object);

  const fromJson = (post: JsonObject): RawItem => {
    // Newer pages hold exact figures as text beside the rounded ones.
    const count = (name: string) =>
      (at(post, "statsV2", name) ?? at(post, "stats", name)) as number | undefined;
    const author = typeof post.author === "string" ? post.author : at(post, "author", "uniqueId");
    const images = at(post, "imagePost", "images");
    return {
      id: String(post.id),
      kind: Array.isArray(images) ? (images.length > 1 ? "carousel" : "image") : "video",
      author: author as string,
      author_name: (at(post, "author", "nickname") ?? post.nickname) as string,
      caption: post.desc as string,
      views: count("playCount"),
      likes: count("diggCount"),
      comments: count("commentCount"),
      shares: count("shareCount"),
      posted: post.createTime as number,
      thumbnail: (at(post, "video", "cover") ?? at(images, 0, "imageURL", "urlList", 0)) as string,
      duration: at(post, "video", "duration") as number,
    };
  };

  const shown = (): RawItem[] =>
    kit.cards(/\/@([^/?#]*)\/(video|photo)\/(\d{15,20})/).map(({ match, card }) => {
      const first = (...selectors: string[]) =>
        selectors.map((selector) => kit.text(card, selector)).find((text) => text !== null);
      return {
        id: match[3]!,
        kind: match[2] === "photo" ? "image" : "video",
        author: match[1] ? decodeURIComponent(match[1]) : null,
        caption: first('[data-e2e$="video-caption"]', '[data-e2e$="-desc"]') ??
          card.querySelector("img[alt]")?.getAttribute("alt"),
        views: first('[data-e2e$="video-views"]'),
        likes: first('[data-e2e$="like-container"] strong', '[data-e2e$="like-count"]'),
        thumbnail: card.querySelector("img[src]")?.getAttribute("src"),
      };
    });

  const embedded = kit.json("#__UNIVERSAL_DATA_FOR_REHYDRATION__, #SIGI_STATE, #__NEXT_DATA__");
  return [...embedded.flatMap((root) => kit.find(root, isPost)).map(fromJson), ...shown()];
}
