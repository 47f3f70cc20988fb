/** Putting findings together: nothing twice, the fuller one kept, and every platform with its fair share. Pure. */
import { addressOf, type ResearchItem } from "./item.ts";

/** Adds findings by id, in the order in which they were first seen; what one lacks the other gives. */
export function mergeInto(known: Map<string, ResearchItem>, found: Iterable<ResearchItem>): void {
  for (const item of found) {
    const before = known.get(item.id);
    known.set(item.id, before ? combined(before, item) : item);
  }
}

/** The first goes before; its unknowns are filled from the second. */
function combined(first: ResearchItem, second: ResearchItem): ResearchItem {
  const posted = first.posted_at !== null ? first : second;
  const media = { ...second.media, ...knownOf(first.media) };
  const caption = (first.caption?.length ?? 0) >= (second.caption?.length ?? 0) ? first : second;
  return {
    ...second,
    ...knownOf(first),
    caption: caption.caption,
    hashtags: caption.hashtags,
    url: addressOf(first.platform, first.id, media.type, first.author ?? second.author),
    counts: { ...second.counts, ...knownOf(first.counts) },
    posted_at: posted.posted_at,
    posted_at_precision: posted.posted_at_precision,
    media,
  };
}

function knownOf<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null)) as Partial<T>;
}

/** At most `max` of all lists, taking turns, so that a long list does not push out a short one. */
export function fairShare(lists: readonly (readonly ResearchItem[])[], max: number): ResearchItem[] {
  const shares = lists.map(() => 0);
  let left = max;
  for (let round = 0; left > 0 && lists.some((list) => list.length > round); round++) {
    for (const [index, list] of lists.entries()) {
      if (left === 0 || list.length <= round) continue;
      shares[index]!++;
      left--;
    }
  }
  return lists.flatMap((list, index) => list.slice(0, shares[index]));
}

/** As many of the first items as fit into `maxBytes` of JSON. */
export function thatFit(items: readonly ResearchItem[], maxBytes: number): ResearchItem[] {
  const encoder = new TextEncoder();
  let bytes = 0;
  const end = items.findIndex((item) => {
    bytes += encoder.encode(JSON.stringify(item)).length + 1;
    return bytes > maxBytes;
  });
  return end === -1 ? [...items] : items.slice(0, end);
}
