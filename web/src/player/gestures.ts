/** Two clicks and two taps on the picture. */

import type { HlsVideoElement } from "hls-video-element";
import { perform, toggleFullscreen, type Around } from "./actions";

/** Two taps within so long are one gesture, in milliseconds. */
const TWICE_MS = 320;

/** Listens on the player; gives back how to stop. `around` is asked when something happens. */
export function listenToGestures(controller: HTMLElement, video: HlsVideoElement, around: () => Around): () => void {
  const stop = new AbortController();
  let last = { at: 0, side: "" };

  // Events on the picture seem to come from the player itself; those of buttons from the buttons.
  const onPicture = (event: Event) =>
    event.target instanceof Element && (event.target === controller || event.target === video || event.target.matches("media-poster-image"));

  controller.addEventListener(
    "dblclick",
    (event) => {
      if (!onPicture(event) || (event as unknown as PointerEvent).pointerType === "touch" || matchMedia("(pointer: coarse)").matches) return;
      toggleFullscreen(controller);
    },
    { signal: stop.signal },
  );
  controller.addEventListener(
    "pointerup",
    (event) => {
      if (event.pointerType !== "touch" || !onPicture(event)) return;
      const box = controller.getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      const side = share < 1 / 3 ? "left" : share > 2 / 3 ? "right" : "middle";
      const now = event.timeStamp;
      const twice = now - last.at < TWICE_MS && last.side === side;
      last = { at: now, side };
      if (!twice || side === "middle") return;
      perform({ do: "seek", by: side === "left" ? -10 : 10 }, video, controller, around());
    },
    { signal: stop.signal },
  );
  return () => stop.abort();
}
