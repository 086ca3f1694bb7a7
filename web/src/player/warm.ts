/** Gets ready for a click that seems likely: code, and the lists that have to be read before the first segment. */

import { session } from "../api/session";
import { Watch } from "../app/pages";
import { Player } from "./lazy";

const warmed = new Set<string>();

/** Fetches the code of the video's page and its lists, which stay in the browser's cache for a moment. */
export function warmPlayer(playlist: string | undefined) {
  Watch.warm();
  Player.warm();
  if (!playlist || warmed.has(playlist)) return;
  // The link to a private video ends with the session; for a moment its card is still there.
  if (playlist.includes("/media/s/") && session.get().status === "out") return;
  warmed.add(playlist);
  void import("./lists").then((lists) => lists.warmLists(playlist)).catch(() => warmed.delete(playlist));
}
