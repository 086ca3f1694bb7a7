/** Tells the system what plays, for its lock screen, its media keys and headsets. */

import type { HlsVideoElement } from "hls-video-element";
import { seek } from "./actions";

interface Playing {
  title: string;
  artist: string;
  poster: string | null;
  next: (() => void) | null;
}

/** Gives back how to end that. */
export function tellSystem(video: HlsVideoElement, { title, artist, poster, next }: Playing): () => void {
  if (!("mediaSession" in navigator)) return () => undefined;
  const { mediaSession } = navigator;
  const artwork = poster ? [{ src: new URL(poster, location.href).href, type: "image/jpeg" }] : [];
  mediaSession.metadata = new MediaMetadata({ title, artist, artwork });
  const handlers: [MediaSessionAction, MediaSessionActionHandler | null][] = [
    ["play", () => void video.play().catch(() => undefined)],
    ["pause", () => video.pause()],
    ["seekbackward", ({ seekOffset }) => seek(video, video.currentTime - (seekOffset ?? 10))],
    ["seekforward", ({ seekOffset }) => seek(video, video.currentTime + (seekOffset ?? 10))],
    ["seekto", ({ seekTime }) => seek(video, seekTime ?? video.currentTime)],
    ["nexttrack", next],
  ];
  for (const [action, handler] of handlers) set(action, handler);
  const stop = new AbortController();
  const tell = () => {
    mediaSession.playbackState = video.paused ? "paused" : "playing";
    const { duration, currentTime, playbackRate } = video;
    if (Number.isFinite(duration) && duration > 0 && currentTime <= duration) {
      mediaSession.setPositionState({ duration, position: currentTime, playbackRate });
    }
  };
  for (const name of ["play", "pause", "seeked", "ratechange", "loadedmetadata"]) {
    video.addEventListener(name, tell, { signal: stop.signal });
  }
  return () => {
    stop.abort();
    for (const [action] of handlers) set(action, null);
    mediaSession.metadata = null;
    mediaSession.playbackState = "none";
  };

  function set(action: MediaSessionAction, handler: MediaSessionActionHandler | null) {
    try {
      mediaSession.setActionHandler(action, handler);
    } catch {
      // A browser that does not know the action.
    }
  }
}
