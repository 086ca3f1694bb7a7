/**
 * How many pages of a list are open. Kept beside React's tree: of the many pages of a long list only the last
 * one changes when another comes, and only that one is drawn anew.
 */

import { useState, useSyncExternalStore } from "react";
import { useLocation } from "react-router";
import { noteVisit, visit } from "../app/visits";

export interface Depth {
  subscribe: (listener: () => void) => () => void;
  pages: () => number;
  more: () => void;
}

/** The depth of this entry of the history; another `choice` of what is listed has its own. */
export function useDepth(choice: string): Depth {
  const { key } = useLocation();
  const make = () => ({ choice, depth: openDepth(visit(key).pages ?? 1, (pages) => noteVisit(entry(), { pages })) });
  const [held, hold] = useState(make);
  if (held.choice === choice) return held.depth;
  const next = make();
  hold(next);
  return next.depth;
}

/** The entry of the history that one is at, which filters change while their list stays. */
const entry = () => (history.state as { key?: string } | null)?.key ?? "default";

/** Whether the page after the one with that index is open, too. */
export function useIsOpen(depth: Depth, index: number): boolean {
  return useSyncExternalStore(depth.subscribe, () => depth.pages() > index + 1);
}

export function openDepth(first: number, note: (pages: number) => void): Depth {
  let pages = first;
  const listeners = new Set<() => void>();
  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    pages: () => pages,
    more() {
      pages += 1;
      note(pages);
      for (const listener of listeners) listener();
    },
  };
}
