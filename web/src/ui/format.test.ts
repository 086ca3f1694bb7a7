import { expect, it } from "vitest";
import { bytes, clock, parseMoment, percent, span, ago } from "./format";

it("writes moments as players do", () => {
  expect([0, 9.9, 61, 3_600, 36_061].map(clock)).toEqual(["0:00", "0:09", "1:01", "1:00:00", "10:01:01"]);
  expect([null, undefined, Number.NaN, Infinity, -1].map(clock)).toEqual(Array(5).fill("–:––"));
});

it("rounds what is left up", () => {
  expect([0, 0.2, 59.2, 61, 3_600, 3_601, 7_205].map(span)).toEqual(["1 s", "1 s", "1 min", "2 min", "1 h", "1 h 1 min", "2 h 1 min"]);
});

it("never says 100 before the end", () => {
  expect(percent(99.99)).toBe("99 %");
  expect(percent(100)).toBe("99 %");
  expect(percent(100, true)).toBe("100 %");
  expect(percent(null)).toBe("–");
});

it("counts bytes as disks do", () => {
  expect([0, 999, 1_000, 99_500, 1_400_000, 999_600_000].map(bytes)).toEqual(["0 B", "999 B", "1.0 kB", "100 kB", "1.4 MB", "1.0 GB"]);
});

it("reads moments from links", () => {
  expect(["90", "90s", "1m30s", "1:30", "1:00:01", "2h"].map(parseMoment)).toEqual([90, 90, 90, 90, 3601, 7200]);
  expect(["12.345", "1m0.5s", "1:00.25"].map(parseMoment)).toEqual([12.345, 60.5, 60.25]);
  expect(["", "abc", "1:x", "1:2:3:4", null].map(parseMoment)).toEqual([null, null, null, null, null]);
});

it("says how long ago in words", () => {
  const now = Date.parse("2026-01-10T12:00:00Z");
  expect(ago(now - 5_000, now)).toBe("now");
  expect(ago(now - 3 * 86_400_000, now)).toBe("3 days ago");
});
