/** The one player of the site: on the page of its video, and in the corner when that page is left while it plays. */

import type { PlayerHandle, PlayerProps } from "./Player";

export interface Shown {
  player: Omit<PlayerProps, "ref">;
  /** Path of the page of its video. */
  page: string;
  /** Where on that page it belongs; null: the page was left. */
  slot: HTMLElement | null;
}

let shown: Shown | null = null;
let handle: PlayerHandle | null = null;
const listeners = new Set<() => void>();

function set(next: Shown | null) {
  shown = next;
  for (const listener of listeners) listener();
}

export const stage = {
  get: () => shown,
  subscribe: (listener: () => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
  /** The page of a video shows its player. */
  show: (next: Shown) => set(next),
  /** That page is left: what plays goes on in the corner. */
  leave(id: string) {
    if (shown?.player.id !== id) return;
    set(handle?.playing() === true ? { ...shown, slot: null } : null);
  },
  close: () => set(null),
  /** Seconds into the video. */
  time: () => handle?.time() ?? 0,
  hold: (next: PlayerHandle | null) => {
    handle = next;
  },
};
