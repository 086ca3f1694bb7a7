/** Which videos of the studio's list are selected: one by one, from one to another, by a long press. */

import { useEffect, useRef, useState, useSyncExternalStore, type PointerEvent } from "react";
import type { StudioRowFragment } from "../../gql/graphql";

/** What rows need of it. It stays the same while others are selected, so that only those are drawn anew. */
export interface Rows {
  subscribe: (listener: () => void) => () => void;
  ids: () => ReadonlySet<string>;
  /** Selects a video or takes that back; with `range` all from the last one to it. */
  toggle: (id: string, range: boolean) => void;
  /** Rows say that they are there. Gives back how to say that they are not. */
  know: (video: StudioRowFragment) => () => void;
}

export interface Selection {
  ids: ReadonlySet<string>;
  rows: Rows;
  all: (yes: boolean) => void;
  clear: () => void;
  /** The selected videos as the list shows them. */
  chosen: () => StudioRowFragment[];
}

export function useSelection(): Selection {
  const [{ rows, all, clear, chosen }] = useState(openSelection);
  const ids = useSyncExternalStore(rows.subscribe, rows.ids);
  const some = ids.size > 0;
  useEffect(() => {
    if (!some) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.defaultPrevented) clear();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [some, clear]);
  return { ids, rows, all, clear, chosen };
}

/** Whether a row is selected. */
export function useSelected(rows: Rows, id: string): boolean {
  return useSyncExternalStore(rows.subscribe, () => rows.ids().has(id));
}

function openSelection() {
  let ids: ReadonlySet<string> = new Set();
  let last: string | null = null;
  const known = new Map<string, StudioRowFragment>();
  const listeners = new Set<() => void>();
  const set = (next: ReadonlySet<string>) => {
    ids = next;
    for (const listener of listeners) listener();
  };
  const rows: Rows = {
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    ids: () => ids,
    toggle(id, range) {
      const order = range ? listed() : [];
      const [from, to] = [order.indexOf(last ?? ""), order.indexOf(id)];
      const next = new Set(ids);
      if (from >= 0 && to >= 0) {
        // As file managers do: the whole range becomes what the clicked one becomes.
        const select = !ids.has(id);
        for (const one of order.slice(Math.min(from, to), Math.max(from, to) + 1)) {
          if (select) next.add(one);
          else next.delete(one);
        }
      } else if (!next.delete(id)) next.add(id);
      last = id;
      set(next);
    },
    know(video) {
      known.set(video.id, video);
      return () => void known.delete(video.id);
    },
  };
  return {
    rows,
    all: (yes: boolean) => set(new Set(yes ? listed() : [])),
    clear: () => set(new Set()),
    chosen: () => [...ids].flatMap((id) => known.get(id) ?? []),
  };
}

/** Ids of all videos that the list shows, in its order. */
function listed(): string[] {
  return [...document.querySelectorAll<HTMLElement>("[data-row]")].map((row) => row.dataset["row"] ?? "");
}

/** For so long a finger has to rest, in milliseconds. */
const PRESS_MS = 450;
/** A finger that moves further scrolls, in pixels. */
const STILL_PX = 10;

/** Calls back when a finger rests on the element; the click that follows is swallowed. */
export function useLongPress(onPress: () => void) {
  const held = useRef<{ x: number; y: number; timer: ReturnType<typeof setTimeout> } | null>(null);
  const pressed = useRef(false);
  const stop = () => {
    clearTimeout(held.current?.timer);
    held.current = null;
  };
  return {
    onPointerDown(event: PointerEvent) {
      pressed.current = false;
      if (event.pointerType === "mouse") return;
      const timer = setTimeout(() => {
        pressed.current = true;
        onPress();
      }, PRESS_MS);
      held.current = { x: event.clientX, y: event.clientY, timer };
    },
    onPointerMove(event: PointerEvent) {
      const at = held.current;
      if (at && Math.hypot(event.clientX - at.x, event.clientY - at.y) > STILL_PX) stop();
    },
    onPointerUp: stop,
    onPointerCancel: stop,
    // The menu of the browser comes by the same press.
    onContextMenu(event: { preventDefault: () => void }) {
      if (pressed.current || held.current) event.preventDefault();
    },
    onClickCapture(event: { preventDefault: () => void; stopPropagation: () => void }) {
      if (!pressed.current) return;
      pressed.current = false;
      event.preventDefault();
      event.stopPropagation();
    },
  };
}
