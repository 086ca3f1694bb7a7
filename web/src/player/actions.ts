/** What keys and taps do to the video. */

import type { HlsVideoElement } from "hls-video-element";
import { clock } from "../ui/format";
import type { Flash } from "./flash";
import { stepSpeed, type Action } from "./keys";

export interface Around {
  theatre?: { on: boolean; toggle: () => void } | undefined;
  onHelp?: (() => void) | undefined;
  onStats: () => void;
  onLoop: () => void;
  onCaptions: () => void;
  say: (text: string, side?: Flash["side"]) => void;
}

/** Frames a second when nothing says how many. */
const USUAL_FPS = 25;

export function perform(action: Action, video: HlsVideoElement, controller: HTMLElement | null, around: Around) {
  const request = (name: string) => controller?.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true }));
  const { say } = around;
  switch (action.do) {
    case "toggle":
      say(video.paused ? "▶" : "❚❚");
      if (video.paused) void video.play().catch(() => undefined);
      else video.pause();
      return;
    case "seek":
      seek(video, video.currentTime + action.by);
      say(`${action.by > 0 ? "+" : "−"}${Math.abs(action.by)} s`, action.by > 0 ? "right" : "left");
      return;
    case "jump":
      if (!Number.isFinite(video.duration)) return;
      seek(video, video.duration * action.share);
      say(clock(video.duration * action.share));
      return;
    case "frame": {
      video.pause();
      const fps = frameRate(video);
      // Into the middle of the frame, where rounding leads to no other one.
      const frame = Math.floor(video.currentTime * fps + 0.01) + action.by;
      seek(video, (frame + 0.5) / fps);
      say(`${clock(video.currentTime)} · ${Math.max(0, frame) % Math.round(fps)}/${Math.round(fps)}`);
      return;
    }
    case "volume":
      video.volume = Math.min(1, Math.max(0, video.volume + action.by));
      video.muted = video.volume === 0;
      say(`🔊 ${Math.round(video.volume * 100)} %`);
      return;
    case "mute":
      video.muted = !video.muted;
      say(video.muted ? "🔇" : `🔊 ${Math.round(video.volume * 100)} %`);
      return;
    case "speed":
      video.playbackRate = stepSpeed(video.playbackRate, action.by);
      say(`${video.playbackRate}×`);
      return;
    case "fullscreen":
      toggleFullscreen(controller);
      return;
    case "pip":
      request(document.pictureInPictureElement ? "mediaexitpiprequest" : "mediaenterpiprequest");
      return;
    case "theatre":
      around.theatre?.toggle();
      return;
    case "loop":
      around.onLoop();
      return;
    case "captions":
      around.onCaptions();
      return;
    case "stats":
      around.onStats();
      return;
    case "help":
      around.onHelp?.();
  }
}

export function toggleFullscreen(controller: HTMLElement | null) {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void controller?.requestFullscreen();
}

export function seek(video: HlsVideoElement, to: number) {
  video.currentTime = Math.min(video.duration || 0, Math.max(0, to));
}

export function frameRate(video: HlsVideoElement): number {
  const api = video.api as { levels?: { frameRate?: number }[]; currentLevel?: number } | null;
  const rate = api?.levels?.[Math.max(0, api.currentLevel ?? 0)]?.frameRate;
  return rate && Number.isFinite(rate) && rate > 0 ? rate : USUAL_FPS;
}
