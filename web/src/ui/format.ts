/** Numbers as people read them, in the language of the page. */

import { language as spoken } from "../i18n";

const formats = new Map<string, unknown>();

/** Making a format takes longer than all that a card of a video does besides; each is made once a language. */
function kept<T>(name: string, make: (tag: string) => T): T {
  const key = `${language()} ${name}`;
  const format = (formats.get(key) as T | undefined) ?? make(language());
  formats.set(key, format);
  return format;
}

/** `3:07`, `1:02:45`: a moment or a length of a video, in seconds. */
export function clock(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return "–:––";
  const whole = Math.floor(seconds);
  const two = (n: number) => String(n).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** How long something still takes: `12 s`, `4 min`, `2 h 10 min`. Rounded up: less is a pleasant surprise. */
export function span(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const whole = Math.max(1, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.ceil(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return rest === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}

/** `1.4 GB`, in powers of 1000 as disks and networks count. */
export function bytes(count: number | null | undefined): string {
  if (count === null || count === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : 1;
  return `${decimal(value, digits)} ${units[unit] ?? ""}`;
}

/** `63 %`, never 100 before it is done. */
export function percent(value: number | null | undefined, done = false): string {
  if (value === null || value === undefined) return "–";
  const whole = done ? 100 : Math.min(99, Math.floor(value));
  return `${whole} %`;
}

export function decimal(value: number, digits: number): string {
  const make = (tag: string) => new Intl.NumberFormat(tag, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return kept(`decimal ${digits}`, make).format(value);
}

export function count(value: number): string {
  return kept("count", (tag) => new Intl.NumberFormat(tag, { notation: "compact", maximumFractionDigits: 1 })).format(value);
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** `3 days ago`; `now` and `at` are milliseconds since 1970. */
export function ago(at: number, now: number = Date.now()): string {
  const seconds = (at - now) / 1000;
  const format = kept("ago", (tag) => new Intl.RelativeTimeFormat(tag, { numeric: "auto" }));
  for (const [unit, length] of STEPS) {
    if (Math.abs(seconds) >= length) return format.format(Math.trunc(seconds / length), unit);
  }
  return format.format(0, "second");
}

/** A date with its time, for tooltips and tables. */
export function moment(at: string): string {
  return kept("moment", (tag) => new Intl.DateTimeFormat(tag, { dateStyle: "medium", timeStyle: "short" })).format(new Date(at));
}

/** `1:30`, `90`, `90.04`, `1m30s` as seconds; null when it is no time. As in links with a moment. */
export function parseMoment(text: string | null): number | null {
  if (!text) return null;
  const parts = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?$/.exec(text);
  if (parts && text !== "") {
    const [hours, minutes, seconds] = [parts[1], parts[2], parts[3]].map((part) => Number(part ?? 0));
    return (hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0);
  }
  const colons = text.split(":");
  if (colons.length < 2 || colons.length > 3 || !colons.every((part, at) => (at === colons.length - 1 ? /^\d+(\.\d+)?$/ : /^\d+$/).test(part))) return null;
  return colons.reduce((total, part) => total * 60 + Number(part), 0);
}

/** The page's language as it is written where the reader lives: British people do not read 6 PM as Americans do. */
export function language(): string {
  const tongue = spoken();
  return navigator.languages.find((tag) => tag.split("-")[0] === tongue) ?? tongue;
}

/**
 * The path that the site lies below, without a slash at its end: empty, or e.g. `/clips` behind a proxy
 * that gives it only a part of its addresses. Code of a build lies in `assets/`, wherever that is.
 */
export const base = import.meta.env.DEV ? "" : new URL("..", import.meta.url).pathname.slice(0, -1);

/** A video's page, as links within the site name it: the key of an unlisted one stands in it. */
export const pageOf = (video: { url: string }) => video.url.slice(base.length);
