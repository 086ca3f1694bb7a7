/** What the player keeps between visits: where one stopped, how loud, how fast the network was. */

const PLACES = "clipsy.places";
const SPEED = "clipsy.bandwidth";
const VOLUME = "clipsy.volume";
/** Videos whose place is kept; the oldest go first. */
const KEPT = 200;

/** Oldest first. */
type Places = [video: string, seconds: number][];

/** Seconds into the video where it was left, or 0. */
export function placeOf(video: string): number {
  return read<Places>(PLACES, []).find(([one]) => one === video)?.[1] ?? 0;
}

/** Numbers of the videos that were begun and not seen to their end, the last one first. */
export function begun(): string[] {
  return read<Places>(PLACES, [])
    .map(([video]) => video)
    .filter((video) => /^\d+$/.test(video))
    .reverse();
}

/** Notes where a video is; near its beginning or end counts as not begun. */
export function keepPlace(video: string, at: number, length: number) {
  const others = read<Places>(PLACES, []).filter(([one]) => one !== video);
  const places = others.slice(-KEPT + 1);
  if (at > 5 && at < length - Math.max(5, length * 0.03)) places.push([video, Math.floor(at)]);
  write(PLACES, places);
}

/** Bits a second that the last visit measured; null at the first. */
export function knownBandwidth(): number | null {
  const bits = read<number | null>(SPEED, null);
  return typeof bits === "number" && bits > 0 ? bits : null;
}

export function keepBandwidth(bits: number) {
  if (Number.isFinite(bits) && bits > 0) write(SPEED, Math.round(bits));
}

export interface Volume {
  volume: number;
  muted: boolean;
}

const RATE = "clipsy.rate";
const QUALITY = "clipsy.quality";

/** The speed that was chosen last. */
export function knownRate(): number {
  const rate = read<number>(RATE, 1);
  return typeof rate === "number" && rate >= 0.25 && rate <= 4 ? rate : 1;
}

export function keepRate(rate: number) {
  write(RATE, rate);
}

/** Lines of the quality that was chosen last; null: as the network allows. */
export function knownQuality(): number | null {
  const lines = read<number | null>(QUALITY, null);
  return typeof lines === "number" && lines > 0 ? lines : null;
}

export function keepQuality(lines: number | null) {
  write(QUALITY, lines);
}

export interface CaptionChoice {
  on: boolean;
  /** Those that are shown, or were before they were switched off. */
  language: string;
  kind: string;
}

const CAPTIONS = "clipsy.captions";

/** What was chosen last; null: nothing yet. */
export function knownCaptions(): CaptionChoice | null {
  const known = read<Partial<CaptionChoice> | null>(CAPTIONS, null);
  if (typeof known?.on !== "boolean" || typeof known.language !== "string" || typeof known.kind !== "string") return null;
  return { on: known.on, language: known.language, kind: known.kind };
}

export function keepCaptions(choice: CaptionChoice) {
  write(CAPTIONS, choice);
}

export function knownVolume(): Volume | null {
  return read<Volume | null>(VOLUME, null);
}

export function keepVolume(volume: Volume) {
  write(VOLUME, volume);
}

function read<T>(key: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(key);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

function write(key: string, value: unknown) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Nothing depends on it.
  }
}
