/** In which quality a video starts: what the network carries soon rather than the best that it could. */

import { knownBandwidth } from "./memory";

/** What a first segment may take to arrive, in seconds. */
const PATIENCE_S = 1.25;
/** How long a segment is if the server was not told otherwise, in seconds; it shows only after choosing. */
const SEGMENT_S = 10;
/** Fewer bytes than this say little about the network. */
const LEAST_BYTES = 50_000;
/** A file smaller than this arrives with its headers, so its time says nothing. */
const LEAST_FILE_BYTES = 8_000;

/**
 * Which of the qualities to start with, as its index: the best whose first segment arrives in time, or
 * the smallest. `bitrates` in bits a second, ascending. The smallest, too, when the network is unknown.
 */
export function firstChoice(bitrates: readonly number[], bandwidth: number | null): number {
  if (bandwidth === null) return 0;
  const best = bitrates.findLastIndex((bitrate) => bitrate * SEGMENT_S <= bandwidth * PATIENCE_S);
  return Math.max(0, best);
}

/**
 * The index of the smallest picture that fills the player, whose longer side is `pixels`; of the largest if
 * none does. hls.js has the same rule, but applies it only once the element is attached, and lists that were
 * fetched ahead are read before that. `sizes` ascend.
 */
export function largestUseful(sizes: readonly { width: number; height: number }[], pixels: number): number {
  const enough = sizes.findIndex(({ width, height }) => width >= pixels || height >= pixels);
  return enough >= 0 ? enough : sizes.length - 1;
}

/** Bits a second, from what this page has loaded already, else from the last visit; null at the first. */
export function likelyBandwidth(): number | null {
  const loaded = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
  return bandwidthOf(loaded) ?? knownBandwidth();
}

type Loaded = Pick<PerformanceResourceTiming, "responseStart" | "responseEnd" | "encodedBodySize" | "transferSize">;

/** Bytes over the time in which any were under way; null when that is too little to tell. */
export function bandwidthOf(loaded: readonly Loaded[]): number | null {
  // What came from the cache has no size on the wire.
  const wired = loaded
    .filter((one) => one.transferSize > 0 && one.encodedBodySize >= LEAST_FILE_BYTES && one.responseStart > 0)
    .sort((a, b) => a.responseStart - b.responseStart);
  let bytes = 0;
  let busy = 0;
  let until = 0;
  for (const one of wired) {
    bytes += one.encodedBodySize;
    busy += Math.max(0, one.responseEnd - Math.max(until, one.responseStart));
    until = Math.max(until, one.responseEnd);
  }
  if (bytes < LEAST_BYTES) return null;
  // Timings are rounded, on some browsers to whole milliseconds.
  return (bytes * 8 * 1000) / Math.max(1, busy);
}
