/**
 * What belongs to one entry of the history: how far it is scrolled, how many pages of a list are open. Going
 * back, and loading the page anew, find it again.
 */

export interface Visit {
  /** Pixels from the top. */
  scroll?: number;
  /** What was clicked on last: the number of its video, which one of those on the page, and how far from the top. */
  anchor?: { video: string; nth: number; top: number };
  /** Pages of its list that are open. */
  pages?: number;
}

const KEY = "clipsy.visits";
/** Entries that are kept; the oldest go first. */
const KEPT = 100;

const visits = new Map<string, Visit>(read());
if (typeof addEventListener === "function") addEventListener("pagehide", write);

/** `key` names the entry, as the router does. */
export function visit(key: string): Visit {
  return visits.get(key) ?? {};
}

export function noteVisit(key: string, patch: Visit) {
  const before = visits.get(key);
  visits.delete(key);
  visits.set(key, { ...before, ...patch });
}

function read(): [string, Visit][] {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "[]") as [string, Visit][];
  } catch {
    return [];
  }
}

function write() {
  try {
    sessionStorage.setItem(KEY, JSON.stringify([...visits].slice(-KEPT)));
  } catch {
    // Then it holds until the page is loaded anew.
  }
}
