/** Storyboards: WebVTT whose cues name parts of sprite pictures (`sprite.jpg#xywh=0,0,160,90`). */

export interface Tile {
  /** Seconds. */
  start: number;
  end: number;
  url: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const kept = new Map<string, Promise<Tile[]>>();

/** Fetches a storyboard once; an empty list when there is none to be had. */
export function loadStoryboard(url: string): Promise<Tile[]> {
  const known = kept.get(url);
  if (known) return known;
  const tiles = fetch(url)
    .then((response) => (response.ok ? response.text() : ""))
    .then((text) => parseStoryboard(text, new URL(url, location.href).href))
    .catch(() => {
      kept.delete(url);
      return [];
    });
  kept.set(url, tiles);
  return tiles;
}

export function parseStoryboard(text: string, base: string): Tile[] {
  const tiles: Tile[] = [];
  for (const block of text.replaceAll("\r\n", "\n").split(/\n{2,}/)) {
    const lines = block.split("\n");
    const at = lines.findIndex((line) => line.includes("-->"));
    const [from, to] = (lines[at] ?? "").split("-->").map((part) => seconds(part.trim().split(/\s/)[0] ?? ""));
    const target = lines[at + 1]?.trim();
    const part = target && /^(.*)#xywh=(\d+),(\d+),(\d+),(\d+)$/.exec(target);
    if (!part || at < 0 || from === undefined || to === undefined || Number.isNaN(from + to)) continue;
    const [, file = "", ...box] = part;
    const [x = 0, y = 0, width = 0, height = 0] = box.map(Number);
    tiles.push({ start: from, end: to, url: new URL(file, base).href, x, y, width, height });
  }
  return tiles;
}

/** The tile to show at a moment, in seconds. */
export function tileAt(tiles: Tile[], moment: number): Tile | undefined {
  return tiles.find((tile) => moment < tile.end) ?? tiles.at(-1);
}

function seconds(stamp: string): number {
  const parts = stamp.split(":").map(Number);
  return parts.length < 2 || parts.length > 3 ? Number.NaN : parts.reduce((total, part) => total * 60 + part, 0);
}
