/** Keys that work anywhere on a page with a player. */

/** What a key does; `seek` and `jump` in seconds. */
export type Action =
  | { do: "toggle" | "mute" | "fullscreen" | "theatre" | "pip" | "loop" | "captions" | "stats" | "help" }
  | { do: "seek"; by: number }
  | { do: "jump"; share: number }
  | { do: "frame"; by: 1 | -1 }
  | { do: "volume"; by: number }
  | { do: "speed"; by: number };

export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

/** The list that the help dialog shows. */
export const HELP = [
  ["toggle", "Space K"],
  ["seek5", "← →"],
  ["seek10", "J L"],
  ["jump", "0 … 9"],
  ["ends", "Home End"],
  ["frame", ", ."],
  ["volume", "↑ ↓"],
  ["mute", "M"],
  ["speed", "< >"],
  ["captions", "C"],
  ["loop", "R"],
  ["fullscreen", "F"],
  ["theatre", "T"],
  ["pip", "I"],
  ["stats", "N"],
  ["help", "?"],
] as const;

export function actionFor(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">): Action | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const { key } = event;
  if (/^[0-9]$/.test(key)) return { do: "jump", share: Number(key) / 10 };
  switch (key.toLowerCase()) {
    case " ":
    case "k":
      return { do: "toggle" };
    case "arrowleft":
      return { do: "seek", by: -5 };
    case "arrowright":
      return { do: "seek", by: 5 };
    case "j":
      return { do: "seek", by: -10 };
    case "l":
      return { do: "seek", by: 10 };
    case "arrowup":
      return { do: "volume", by: 0.05 };
    case "arrowdown":
      return { do: "volume", by: -0.05 };
    case "m":
      return { do: "mute" };
    case "f":
      return { do: "fullscreen" };
    case "t":
      return { do: "theatre" };
    case "i":
      return { do: "pip" };
    case "c":
      return { do: "captions" };
    case "r":
      return { do: "loop" };
    case "n":
      return { do: "stats" };
    case "home":
      return { do: "jump", share: 0 };
    case "end":
      return { do: "jump", share: 1 };
    case ",":
      return { do: "frame", by: -1 };
    case ".":
      return { do: "frame", by: 1 };
    case "<":
      return { do: "speed", by: -1 };
    case ">":
      return { do: "speed", by: 1 };
    case "?":
      return { do: "help" };
    default:
      return null;
  }
}

/** Whether whatever has the focus wants the key for itself. */
export function wantsKey(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("input, textarea, select")) return true;
  // A dialog, unless the player is in it.
  const dialog = target.closest("[role=dialog]");
  if (dialog && !dialog.querySelector("media-controller")) return true;
  if (target.closest("[role=menu], [role=listbox], media-rendition-menu, media-playback-rate-menu, media-captions-menu")) return true;
  if (key.startsWith("Arrow") || key === "Home" || key === "End") return target.matches("media-time-range, media-volume-range, [role=tab], [role=slider]");
  if (key === " ") return target.closest("button, a, summary, [role=button], [role^=menuitem]") !== null;
  return false;
}

/** The next of the speeds on offer. */
export function stepSpeed(now: number, by: number): number {
  const nearest = SPEEDS.reduce((best, speed, index) => (Math.abs(speed - now) < Math.abs((SPEEDS[best] ?? 1) - now) ? index : best), 0);
  return SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, nearest + by))] ?? 1;
}
