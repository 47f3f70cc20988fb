/** Reading Instagram's keyword search, hashtag and explore pages. Runs inside the page. */
import type { JsonObject, PageKit } from "../../browser/page_kit.ts";
import type { RawItem } from "../item.ts";

/**
 * First the posts in the page's `application/json` scripts, in the form of the web API (`code`, `taken_at`) or of the
 * older graph (`shortcode`, `edge_…`), then the tiles that the page shows, then what a single post's page says in its
 * og: fields. Self-contained.
 */
export function readInstagram(kit: PageKit): RawItem[] {
  const { at } = kit;
  const isPost = (object: JsonObject) =>
    (typeof object.code === "string" && "media_type" in object) ||
    (typeof object.shortcode === "string" &&
      ("display_url" in object || "taken_at_timestamp" in object || "edge_media_to_caption" in object));

  const fromApi = (post: JsonObject): RawItem => ({
    id: post.code as string,
    kind: post.media_type === 8
      ? "carousel"
      : post.media_type === 2
      ? (post.product_type === "clips" ? "short" : "video")
      : "image",
    author: at(post, "user", "username") as string,
    author_name: at(post, "user", "full_name") as string,
    caption: (at(post, "caption", "text") ?? post.caption) as string,
    views: (post.play_count ?? post.ig_play_count ?? post.view_count) as number,
    // People can hide their likes; the figure is then made up.
    likes: post.like_and_view_counts_disabled === true ? null : post.like_count as number,
    comments: post.comment_count as number,
    shares: (post.reshare_count ?? post.media_repost_count) as number,
    posted: post.taken_at as number,
    thumbnail: (at(post, "image_versions2", "candidates", 0, "url") ?? post.display_uri) as string,
    duration: post.video_duration as number,
  });

  const fromGraph = (post: JsonObject): RawItem => ({
    id: post.shortcode as string,
    kind: post.__typename === "GraphSidecar" || post.edge_sidecar_to_children !== undefined
      ? "carousel"
      : post.is_video
      ? (post.product_type === "clips" ? "short" : "video")
      : "image",
    author: at(post, "owner", "username") as string,
    author_name: at(post, "owner", "full_name") as string,
    caption: at(post, "edge_media_to_caption", "edges", 0, "node", "text") as string,
    views: (post.video_play_count ?? post.video_view_count) as number,
    likes: (at(post, "edge_media_preview_like", "count") ?? at(post, "edge_liked_by", "count")) as number,
    comments: (at(post, "edge_media_to_comment", "count") ??
      at(post, "edge_media_to_parent_comment", "count")) as number,
    posted: post.taken_at_timestamp as number,
    thumbnail: (post.thumbnail_src ?? post.display_url) as string,
    duration: post.video_duration as number,
  });

  const address = /\/(?:([\w.]{1,30})\/)?(p|reel|reels|tv)\/([\w-]{5,40})\//;
  const shown = (): RawItem[] =>
    kit.cards(address).map(({ match, card }) => ({
      id: match[3]!,
      kind: match[2]!.startsWith("reel") ? "short" : null,
      author: match[1],
      caption: card.querySelector("img[alt]")?.getAttribute("alt"),
      thumbnail: card.querySelector("img[src]")?.getAttribute("src"),
    }));

  const fromMeta = (): RawItem[] => {
    const meta = (name: string) =>
      kit.window.document.querySelector(`meta[property="og:${name}"]`)?.getAttribute("content") ?? "";
    const post = address.exec(meta("url"));
    if (!post) return [];
    // `1,234 likes, 56 comments - name on May 1, 2026: "caption"`
    const said = /^([\d.,]+[KMB]?) likes?, ([\d.,]+[KMB]?) comments? - ([\w.]+) /i.exec(meta("description"));
    return [{
      id: post[3]!,
      kind: post[2]!.startsWith("reel") ? "short" : null,
      author: said?.[3] ?? post[1],
      caption: /: "([\s\S]*)"\.?\s*$/.exec(meta("description"))?.[1],
      likes: said?.[1],
      comments: said?.[2],
      thumbnail: meta("image"),
    }];
  };

  const posts = kit.json('script[type="application/json"]').flatMap((root) => kit.find(root, isPost));
  return [
    ...posts.map((post) => typeof post.code === "string" ? fromApi(post) : fromGraph(post)),
    ...shown(),
    ...fromMeta(),
  ];
}
