/** Gets ready for a click that seems likely: the player's code and the playlist's bytes. */

const warmed = new Set<string>();

export function warmPlayer(playlist: string | undefined) {
  if (warmed.size === 0) void import("./Player").catch(() => warmed.clear());
  if (!playlist || warmed.has(playlist)) return;
  warmed.add(playlist);
  // The answer stays in the browser's cache for as long as the server allows.
  void fetch(playlist, { priority: "low" }).catch(() => warmed.delete(playlist));
}
