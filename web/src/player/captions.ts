/** Captions: what they are called, which are shown, and what is kept of the choice. */

import { keepCaptions, knownCaptions, type CaptionChoice } from "./memory";

export interface CaptionTrack {
  /** BCP 47. */
  language: string;
  kind: "SUBTITLES" | "CAPTIONS";
  /** May be empty. */
  label: string;
  default: boolean;
  forced: boolean;
  url: string;
}

/** What a list of text tracks has to have; players of other kinds have it, too. */
interface Media {
  textTracks: Iterable<TextTrack> | ArrayLike<TextTrack>;
}

export const htmlKind = (track: CaptionTrack) => (track.kind === "CAPTIONS" ? "captions" : "subtitles");

/** What people choose captions by: their label, else their language in the language of the page. */
export function captionName(track: Pick<CaptionTrack, "language" | "kind" | "label">, language: string): string {
  if (track.label !== "") return track.label;
  const name = languageName(track.language, language);
  return track.kind === "CAPTIONS" ? `${name} (SDH)` : name;
}

/** The name of a language in another, with a capital; the tag itself if nobody knows it. */
export function languageName(tag: string, language: string): string {
  try {
    const name = new Intl.DisplayNames([language], { type: "language" }).of(tag) ?? tag;
    return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
  } catch {
    return tag;
  }
}

/** Under this name captions stay the same ones, however their address is signed. */
export const captionKey = (track: CaptionTrack) => track.url.slice(track.url.lastIndexOf("/") + 1);

/** What is shown without anybody doing anything: what was chosen last, else what the video's owner says. */
export function wantedCaptions(tracks: readonly CaptionTrack[], choice: CaptionChoice | null): CaptionTrack | null {
  if (choice) return choice.on ? nearest(tracks, choice) : null;
  return tracks.find((track) => track.default) ?? tracks.find((track) => track.forced) ?? null;
}

/** In the language that was chosen, of the same kind if there are such; languages of other countries come after. */
function nearest(tracks: readonly CaptionTrack[], { language, kind }: Pick<CaptionChoice, "language" | "kind">): CaptionTrack | null {
  const base = (tag: string) => tag.split("-")[0];
  const rank = (track: CaptionTrack) => (track.language === language ? 0 : 2) + (htmlKind(track) === kind ? 0 : 1) + (track.forced ? 8 : 0);
  const fitting = tracks.filter((track) => base(track.language) === base(language));
  return fitting.sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

/** Shows these and no others. */
export function showCaptions(media: Media, wanted: CaptionTrack | null) {
  for (const track of Array.from(media.textTracks)) {
    if (track.kind !== "subtitles" && track.kind !== "captions") continue;
    const is = wanted !== null && track.language === wanted.language && track.kind === htmlKind(wanted);
    const mode = is ? "showing" : "disabled";
    if (track.mode !== mode) track.mode = mode;
  }
}

/** Switches them off or on again, and keeps that. Gives what is shown then; undefined if there are none. */
export function toggleCaptions(media: Media, tracks: readonly CaptionTrack[], language: string): CaptionTrack | null | undefined {
  const showing = Array.from(media.textTracks).find((track) => track.mode === "showing" && (track.kind === "subtitles" || track.kind === "captions"));
  if (showing) {
    keepCaptions({ on: false, language: showing.language, kind: showing.kind });
    showCaptions(media, null);
    return null;
  }
  const known = knownCaptions();
  const track =
    (known && nearest(tracks, known)) ?? wantedCaptions(tracks, null) ?? nearest(tracks, { language, kind: "subtitles" }) ?? tracks[0];
  if (!track) return undefined;
  keepCaptions({ on: true, language: track.language, kind: htmlKind(track) });
  showCaptions(media, track);
  return track;
}

/** Keeps what was chosen in the menu, which names tracks like `sb:de:Deutsch`. */
export function keepRequested(request: unknown) {
  if (typeof request !== "string") return;
  const [kind, language] = request.split(":");
  if (request === "off") {
    const known = knownCaptions();
    keepCaptions({ on: false, language: known?.language ?? "", kind: known?.kind ?? "subtitles" });
  } else if (language) {
    keepCaptions({ on: true, language, kind: kind === "cc" ? "captions" : "subtitles" });
  }
}

/** Where a video's first moment is on the clock of its segments: the muxer begins with one hour. */
const FIRST_MOMENT_S = 3600;

/**
 * How much later than at 0 hls.js shows the first moment: it counts from the first picture in the order of decoding, and
 * captions in files of their own know nothing of that. 0 for segments with another clock.
 */
export function lateness(initPTS: number, timescale: number): number {
  const late = FIRST_MOMENT_S - initPTS / timescale;
  return Math.abs(late) < 1 ? late : 0;
}

const moved = new WeakMap<TextTrackCue, number>();

/** Has all captions that are loaded come that much later than their file says. */
export function moveCaptions(media: Media, late: number) {
  for (const track of Array.from(media.textTracks)) {
    if (track.kind !== "subtitles" && track.kind !== "captions") continue;
    for (const cue of Array.from(track.cues ?? [])) {
      const by = late - (moved.get(cue) ?? 0);
      if (by === 0) continue;
      moved.set(cue, late);
      cue.endTime += by;
      cue.startTime += by;
    }
  }
}
