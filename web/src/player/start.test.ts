import { expect, it } from "vitest";
import { bandwidthOf, firstChoice, largestUseful } from "./start";
import { parseVariants } from "./lists";

const MB = 1_000_000;

it("starts with what arrives soon, and with the smallest when nothing does", () => {
  const bitrates = [0.7 * MB, 1 * MB, 1.6 * MB, 5 * MB];
  expect(firstChoice(bitrates, 100 * MB)).toBe(3);
  expect(firstChoice(bitrates, 13 * MB)).toBe(2);
  expect(firstChoice(bitrates, 9 * MB)).toBe(1);
  expect(firstChoice(bitrates, 0.3 * MB)).toBe(0);
  expect(firstChoice(bitrates, null)).toBe(0);
});

it("starts with no more pixels than the player has", () => {
  const sizes = [360, 480, 720].map((height) => ({ width: Math.round((height * 16) / 9), height }));
  expect(largestUseful(sizes, 800)).toBe(1);
  expect(largestUseful(sizes, 1170)).toBe(2);
  expect(largestUseful(sizes, 5000)).toBe(2);
  // Upright pictures fill the player by their height.
  expect(largestUseful(sizes.map(({ width, height }) => ({ width: height, height: width })), 640)).toBe(0);
});

it("measures the network by what came over it, side by side or not", () => {
  const part = (responseStart: number, responseEnd: number, encodedBodySize: number, transferSize = encodedBodySize + 300) => ({
    responseStart,
    responseEnd,
    encodedBodySize,
    transferSize,
  });
  // Two at once and one alone: 300 kB in 200 ms.
  expect(bandwidthOf([part(10, 110, 100_000), part(60, 110, 100_000), part(500, 600, 100_000)])).toBe(12 * MB);
  // Whatever was in the cache took no time and says nothing.
  expect(bandwidthOf([part(10, 110, 150_000), part(10, 11, 900_000, 0)])).toBe(12 * MB);
  // Small files wait for their turn more than for their bytes.
  expect(bandwidthOf([part(10, 110, 150_000), part(200, 250, 2_000)])).toBe(12 * MB);
  expect(bandwidthOf([part(10, 110, 20_000)])).toBeNull();
  expect(bandwidthOf([])).toBeNull();
});

it("reads the variants of a playlist", () => {
  const playlist = [
    "#EXTM3U",
    '#EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=1200000,BANDWIDTH=1576493,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720',
    "720p/playlist.m3u8",
    "",
    "#EXT-X-STREAM-INF:BANDWIDTH=741773",
    "# a remark",
    "360p/playlist.m3u8",
    "#EXT-X-STREAM-INF:BANDWIDTH=5",
  ].join("\r\n");
  expect(parseVariants(playlist)).toEqual([
    { bitrate: 741_773, address: "360p/playlist.m3u8" },
    { bitrate: 1_576_493, address: "720p/playlist.m3u8" },
  ]);
  expect(parseVariants("<html>")).toEqual([]);
});
