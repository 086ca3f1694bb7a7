import { beforeEach, expect, it } from "vitest";
import { captionName, type CaptionTrack, keepRequested, lateness, moveCaptions, showCaptions, toggleCaptions, wantedCaptions } from "./captions";
import { knownCaptions } from "./memory";

const track = (language: string, more: Partial<CaptionTrack> = {}): CaptionTrack => ({
  language,
  kind: "SUBTITLES",
  label: "",
  default: false,
  forced: false,
  url: `/media/videos/captions/1_${language}.vtt`,
  ...more,
});

/** What a player has for these captions. */
const media = (tracks: readonly CaptionTrack[]) => ({
  textTracks: [
    { kind: "metadata", language: "", mode: "hidden" },
    ...tracks.map(({ kind, language }) => ({ kind: kind === "CAPTIONS" ? "captions" : "subtitles", language, mode: "disabled" })),
  ] as TextTrack[],
});
const shown = ({ textTracks }: { textTracks: TextTrack[] }) => textTracks.filter((one) => one.mode === "showing").map((one) => `${one.kind} ${one.language}`);

beforeEach(() => localStorage.clear());

it("names captions by label or language", () => {
  expect(captionName(track("de", { label: "Wörtlich" }), "en")).toBe("Wörtlich");
  expect(captionName(track("de"), "en")).toBe("German");
  expect(captionName(track("de", { kind: "CAPTIONS" }), "de")).toBe("Deutsch (SDH)");
});

it("shows what was chosen, else what the owner says", () => {
  const german = track("de");
  const deaf = track("de", { kind: "CAPTIONS" });
  const swiss = track("de-CH");
  const english = track("en", { default: true });
  const all = [german, deaf, swiss, english];
  expect(wantedCaptions(all, null)).toBe(english);
  expect(wantedCaptions([german], null)).toBeNull();
  expect(wantedCaptions(all, { on: false, language: "de", kind: "subtitles" })).toBeNull();
  expect(wantedCaptions(all, { on: true, language: "de", kind: "captions" })).toBe(deaf);
  expect(wantedCaptions(all, { on: true, language: "de-AT", kind: "subtitles" })).toBe(german);
  expect(wantedCaptions([english, swiss], { on: true, language: "de", kind: "captions" })).toBe(swiss);
  // Somebody who reads Dutch is not shown English for that.
  expect(wantedCaptions(all, { on: true, language: "nl", kind: "subtitles" })).toBeNull();
});

it("goes off and on again with one key", () => {
  const tracks = [track("de"), track("en", { kind: "CAPTIONS" })];
  const player = media(tracks);
  expect(toggleCaptions(player, tracks, "en")).toBe(tracks[1]);
  expect(shown(player)).toEqual(["captions en"]);
  expect(knownCaptions()).toEqual({ on: true, language: "en", kind: "captions" });
  expect(toggleCaptions(player, tracks, "en")).toBeNull();
  expect(shown(player)).toEqual([]);
  // In the language that was read before, also on the next video.
  expect(toggleCaptions(player, tracks, "de")).toBe(tracks[1]);
  expect(toggleCaptions(media([]), [], "de")).toBeUndefined();
  expect(player.textTracks[0]?.mode).toBe("hidden");
});

it("keeps what was chosen in the menu", () => {
  keepRequested("cc:de:Deutsch");
  expect(knownCaptions()).toEqual({ on: true, language: "de", kind: "captions" });
  keepRequested("off");
  expect(knownCaptions()).toEqual({ on: false, language: "de", kind: "captions" });
  const tracks = [track("de")];
  const player = media(tracks);
  showCaptions(player, tracks[0] ?? null);
  showCaptions(player, wantedCaptions(tracks, knownCaptions()));
  expect(shown(player)).toEqual([]);
});

it("moves captions to where hls.js shows their pictures, once", () => {
  expect(lateness(3599.92 * 90000, 90000)).toBeCloseTo(0.08);
  expect(lateness(0, 90000)).toBe(0);
  const cues = [{ startTime: 2, endTime: 3 }];
  const player = { textTracks: [{ kind: "subtitles", cues }, { kind: "captions", cues: null }] as unknown as TextTrack[] };
  moveCaptions(player, 0.08);
  moveCaptions(player, 0.08);
  expect(cues).toEqual([{ startTime: 2.08, endTime: 3.08 }]);
  moveCaptions(player, 0);
  expect(cues[0]?.startTime).toBeCloseTo(2);
});
