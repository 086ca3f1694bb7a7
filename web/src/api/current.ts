/** The client of whoever is signed in now. */

import { openApi, type Api } from "./client";
import { session } from "./session";

let owner = session.get().viewer?.id ?? null;
let api = openApi(session);
const listeners = new Set<() => void>();

// What one person has seen is gone, and their socket closed, when another comes.
session.subscribe(() => {
  const next = session.get().viewer?.id ?? null;
  if (next === owner) return;
  owner = next;
  api.live.close();
  api = openApi(session);
  for (const listener of listeners) listener();
});

export const current = {
  get: (): Api => api,
  subscribe: (listener: () => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};
