/** The platforms' sites: which page answers a question, what reads it, and which addresses are the platform's own. */
import type { PageScript } from "../browser/page_script.ts";
import type { Platform, ResearchTarget } from "./input.ts";
import type { RawItem } from "./item.ts";
import { readInstagram } from "./readers/instagram.ts";
import { readTiktok } from "./readers/tiktok.ts";
import { readYoutube } from "./readers/youtube.ts";
import { readYoutubeCharts } from "./readers/youtube_charts.ts";

/** Where the sites are: http(s) addresses without a slash at their end. */
export type SiteAddresses = Readonly<Record<Platform | "youtubeCharts", string>>;

/** The real ones. */
export const PUBLIC_SITES: SiteAddresses = {
  tiktok: "https://www.tiktok.com",
  instagram: "https://www.instagram.com",
  youtube: "https://www.youtube.com",
  youtubeCharts: "https://charts.youtube.com",
};

/** A page that answers a question. */
export interface ResearchPage {
  readonly platform: Platform;
  readonly url: string;
  readonly read: PageScript<null, RawItem[]>;
  /** Whether an address belongs to the platform. */
  isOwn(url: URL): boolean;
}

/** The page of a platform for a question. */
export function researchPage(platform: Platform, target: ResearchTarget, sites: SiteAddresses): ResearchPage {
  const { base, path, read } = locate(platform, target, sites);
  const own = new URL(base).host.replace(/^www\./, "");
  return {
    platform,
    url: base + path,
    read,
    isOwn: (url) => url.host === own || url.host.endsWith(`.${own}`),
  };
}

function locate(
  platform: Platform,
  target: ResearchTarget,
  sites: SiteAddresses,
): { base: string; path: string; read: ResearchPage["read"] } {
  switch (platform) {
    case "tiktok":
      return { base: sites.tiktok, path: tiktokPath(target), read: readTiktok };
    case "instagram":
      return { base: sites.instagram, path: instagramPath(target), read: readInstagram };
    case "youtube":
      // YouTube withdrew its trending page in July 2025; its charts took the place.
      return target.type === "trending"
        ? {
          base: sites.youtubeCharts,
          path: `/charts/TrendingVideos/${encodeURIComponent(target.country)}/weekly`,
          read: readYoutubeCharts,
        }
        : { base: sites.youtube, path: youtubePath(target), read: readYoutube };
  }
}

function tiktokPath(target: ResearchTarget): string {
  switch (target.type) {
    case "search":
      return `/search/video?q=${encodeURIComponent(target.query)}`;
    case "hashtag":
      return `/tag/${encodeURIComponent(target.hashtag)}`;
    case "trending":
      return "/explore";
  }
}

function instagramPath(target: ResearchTarget): string {
  switch (target.type) {
    case "search":
      return `/explore/search/keyword/?q=${encodeURIComponent(target.query)}`;
    case "hashtag":
      return `/explore/tags/${encodeURIComponent(target.hashtag)}/`;
    case "trending":
      return "/explore/";
  }
}

/** In English, so that figures and times can be read. */
function youtubePath(target: Exclude<ResearchTarget, { type: "trending" }>): string {
  return target.type === "search"
    ? `/results?search_query=${encodeURIComponent(target.query)}&hl=en`
    : `/hashtag/${encodeURIComponent(target.hashtag)}?hl=en`;
}
