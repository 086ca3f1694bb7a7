/** The lists that have to be read before the first segment: which qualities there are, and the segments of one. */

import { firstChoice, likelyBandwidth } from "./start";

/** Has the browser fetch what hls.js will read before the first segment. */
export async function warmLists(playlist: string) {
  const response = await fetch(playlist);
  if (!response.ok) return;
  const variants = parseVariants(await response.text());
  const first = variants[firstChoice(variants.map((one) => one.bitrate), likelyBandwidth())];
  // A wrong guess costs a few hundred bytes.
  if (first) await fetch(new URL(first.address, response.url));
}

export interface Variant {
  /** Peak, in bits a second. */
  bitrate: number;
  /** Relative to the playlist. */
  address: string;
}

/** The variants of a multivariant playlist (RFC 8216, section 4.3.4.2), the smallest first. */
export function parseVariants(playlist: string): Variant[] {
  const lines = playlist.split(/\r?\n/);
  const variants = lines.flatMap((line, index) => {
    const bitrate = /^#EXT-X-STREAM-INF:(?:.*,)?BANDWIDTH=(\d+)/.exec(line)?.[1];
    const address = lines.slice(index + 1).find((next) => next !== "" && !next.startsWith("#"));
    return bitrate && address ? [{ bitrate: Number(bitrate), address }] : [];
  });
  return variants.sort((a, b) => a.bitrate - b.bitrate);
}
