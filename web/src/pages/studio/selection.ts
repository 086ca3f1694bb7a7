/** Which videos of the studio's list are selected: one by one, from one to another, by a long press. */

import { useCallback, useEffect, useMemo, useRef, useState, type PointerEvent } from "react";
import type { StudioRowFragment } from "../../gql/graphql";

export interface Selection {
  ids: ReadonlySet<string>;
  /** Selects a video or takes that back; with `range` all from the last one to it. */
  toggle: (id: string, range: boolean) => void;
  all: (yes: boolean) => void;
  clear: () => void;
  /** Rows say that they are there. Gives back how to say that they are not. */
  know: (video: StudioRowFragment) => () => void;
  /** The selected videos as the list shows them. */
  chosen: () => StudioRowFragment[];
}

export function useSelection(): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const known = useRef(new Map<string, StudioRowFragment>());
  const last = useRef<string | null>(null);

  const know = useCallback((video: StudioRowFragment) => {
    known.current.set(video.id, video);
    return () => void known.current.delete(video.id);
  }, []);
  const clear = useCallback(() => setIds(new Set()), []);
  const toggle = useCallback((id: string, range: boolean) => {
    const order = listed();
    const [from, to] = [order.indexOf(last.current ?? ""), order.indexOf(id)];
    setIds((before) => {
      const next = new Set(before);
      if (range && from >= 0 && to >= 0) {
        // As file managers do: the whole range becomes what the clicked one becomes.
        const select = !before.has(id);
        for (const one of order.slice(Math.min(from, to), Math.max(from, to) + 1)) {
          if (select) next.add(one);
          else next.delete(one);
        }
      } else if (!next.delete(id)) next.add(id);
      return next;
    });
    last.current = id;
  }, []);
  const all = useCallback((yes: boolean) => setIds(new Set(yes ? listed() : [])), []);
  const chosen = useCallback(() => [...ids].flatMap((id) => known.current.get(id) ?? []), [ids]);

  const some = ids.size > 0;
  useEffect(() => {
    if (!some) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.defaultPrevented) clear();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [some, clear]);

  return useMemo(() => ({ ids, toggle, all, clear, know, chosen }), [ids, toggle, all, clear, know, chosen]);
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
