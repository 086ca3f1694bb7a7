/** Plays one video over HLS. The only place that knows media-chrome and hls.js. */

import "./elements";
import "./player.css";
import { useEffect, useImperativeHandle, useRef, useState, type Ref } from "react";
import { useTranslation } from "react-i18next";
import workerPath from "hls.js/dist/hls.worker.js?url";
import { Hls, type HlsVideoElement } from "hls-video-element";
import { actionFor, SPEEDS, stepSpeed, wantsKey, type Action } from "./keys";
import { keepBandwidth, keepPlace, keepVolume, knownVolume, placeOf } from "./memory";
import { firstChoice, largestUseful, likelyBandwidth } from "./start";

// It is needed with the first segment; until then it can come from the server.
void fetch(workerPath).catch(() => undefined);

export interface PlayerHandle {
  /** Seconds. */
  time: () => number;
  seek: (seconds: number) => void;
}

export interface PlayerProps {
  /** Under this name the place in the video is kept. */
  id: string;
  title: string;
  src: string;
  poster?: string | null | undefined;
  storyboard?: string | null | undefined;
  /** Seconds; without it the video goes on where it was left. */
  startAt?: number | null;
  autoplay?: boolean;
  theatre?: { on: boolean; toggle: () => void };
  onHelp?: (() => void) | undefined;
  /** The server does not let this address play any more, as happens when a signed link runs out. */
  onRefused?: () => void;
  ref?: Ref<PlayerHandle>;
}

export function Player({ id, title, src, poster, storyboard, startAt = null, autoplay = false, theatre, onHelp, onRefused, ref }: PlayerProps) {
  const { t, i18n } = useTranslation();
  const video = useRef<HlsVideoElement>(null);
  const controller = useRef<HTMLElement>(null);
  const [rejected, setRejected] = useState<string | null>(null);
  const [begin] = useState(() => startAt ?? placeOf(id));
  const place = useRef(begin);
  const latest = useRef({ theatre, onHelp, onRefused });
  useEffect(() => {
    latest.current = { theatre, onHelp, onRefused };
  });

  useImperativeHandle(ref, () => ({
    time: () => video.current?.currentTime ?? 0,
    seek(seconds) {
      if (video.current) video.current.currentTime = seconds;
    },
  }));

  // A new address of the same video goes on where the old one was.
  const playing = useRef(autoplay);
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    const stop = new AbortController();
    const on = (name: string, listener: () => void) => element.addEventListener(name, listener, { signal: stop.signal });
    let lastKept = 0;

    on("loadedmetadata", () => {
      if (place.current > 0 && place.current < element.duration) element.currentTime = place.current;
      const volume = knownVolume();
      if (volume) {
        element.volume = volume.volume;
        element.muted = volume.muted;
      }
      // Browsers may refuse to play before the first click; then the large button is there.
      if (playing.current) element.play().catch(() => undefined);
    });
    const keep = () => {
      if (element.readyState === 0) return;
      keepPlace(id, element.currentTime, element.duration);
      keepBandwidth(element.api?.bandwidthEstimate ?? 0);
    };
    on("timeupdate", () => {
      if (element.readyState > 0) place.current = element.currentTime;
      if (Math.abs(element.currentTime - lastKept) < 5) return;
      lastKept = element.currentTime;
      keep();
    });
    // A seek may need an address that is no longer good; the new one has to go on where it went.
    on("seeking", () => {
      if (element.readyState > 0) place.current = element.currentTime;
    });
    on("play", () => (playing.current = true));
    on("pause", () => {
      if (element.readyState > 0) playing.current = false;
      keep();
    });
    on("ended", keep);
    on("volumechange", () => keepVolume({ volume: element.volume, muted: element.muted }));
    addEventListener("pagehide", keep, { signal: stop.signal });
    return () => {
      keep();
      stop.abort();
    };
  }, [id]);

  // Set here, after the listeners: React makes elements before it shows them, sometimes long before,
  // and one with an address begins at once. hls.js comes anew with each address, a moment after it.
  useEffect(() => {
    let gone = false;
    let again: ReturnType<typeof setTimeout> | undefined;
    let wait = FIRST_WAIT_MS;
    let told = false;
    const element = video.current;
    if (!element) return;
    element.config = settings(place.current);
    element.src = src;
    queueMicrotask(() => queueMicrotask(() => {
      const { api } = element;
      if (gone || !api) return;
      // hls.js would start with the best that fits the player, whatever the network.
      api.on(Hls.Events.MANIFEST_PARSED, (_event, { levels }) => {
        const choice = firstChoice(levels.map((level) => level.bitrate), likelyBandwidth());
        const pixels = Math.max(element.clientWidth, element.clientHeight) * devicePixelRatio;
        if (choice >= 0) api.startLevel = Math.min(choice, api.maxAutoLevel, largestUseful(levels, pixels));
      });
      api.on(Hls.Events.ERROR, (_event, data) => {
        const status = data.response?.code;
        if (data.type !== Hls.ErrorTypes.NETWORK_ERROR) return;
        // hls.js tries for half a minute before it gives up, but a signed link that was refused stays so.
        const refused = status === 401 || status === 403 || status === 404;
        if (refused && (data.fatal || src.includes("/media/s/"))) {
          if (told) return;
          told = true;
          setRejected(src);
          latest.current.onRefused?.();
          return;
        }
        if (!data.fatal) return;
        // hls.js has given up. A server that was started again, or a train that left its tunnel, is worth
        // another try for as long as somebody watches.
        const whole = data.details.startsWith("manifest");
        clearTimeout(again);
        again = setTimeout(() => (whole ? api.loadSource(src) : api.startLoad()), wait);
        wait = Math.min(2 * wait, LONGEST_WAIT_MS);
      });
      api.on(Hls.Events.FRAG_LOADED, () => (wait = FIRST_WAIT_MS));
    }));
    return () => {
      gone = true;
      clearTimeout(again);
    };
  }, [src]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const element = video.current;
      const action = actionFor(event);
      if (!element || !action || event.defaultPrevented || wantsKey(event.target, event.key)) return;
      event.preventDefault();
      perform(action, element, controller.current, latest.current);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);

  return (
    <media-controller ref={controller} nohotkeys class="player" lang={i18n.language} aria-label={title} data-rejected={rejected === src || undefined}>
      <hls-video ref={video} slot="media" playsInline preload="auto" aria-label={title} tabIndex={-1}>
        {storyboard && <track key={storyboard} label="thumbnails" default kind="metadata" src={storyboard} />}
      </hls-video>
      {poster && <media-poster-image slot="poster" src={poster} aria-hidden="true" />}
      <media-loading-indicator slot="centered-chrome" noautohide />
      <media-play-button slot="centered-chrome" class="player-big" notooltip />
      <media-error-dialog slot="dialog" />
      <media-rendition-menu hidden anchor="auto" />
      <media-playback-rate-menu hidden anchor="auto" rates={SPEEDS.join(" ")} />
      <media-control-bar class="player-seek">
        <media-time-range>
          <media-preview-thumbnail slot="preview" />
          <media-preview-time-display slot="preview" />
        </media-time-range>
      </media-control-bar>
      <media-control-bar class="player-bar">
        <media-play-button />
        <media-mute-button />
        <media-volume-range />
        <media-time-display showduration notoggle />
        <span className="player-gap" />
        <media-playback-rate-menu-button>
          <svg slot="icon" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" aria-hidden="true">
            <path d="M4.9 17.5a8.5 8.5 0 1 1 14.2 0" />
            <path d="m12 13 3.5-4.5" />
          </svg>
        </media-playback-rate-menu-button>
        <media-rendition-menu-button />
        <media-pip-button />
        {theatre && (
          <button type="button" className="player-button" aria-pressed={theatre.on} aria-label={t("player.theatre")} title={t("player.theatre")} onClick={theatre.toggle}>
            <svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" strokeWidth="2" aria-hidden="true">
              <rect x="2.5" y={theatre.on ? 5 : 7.5} width="19" height={theatre.on ? 14 : 9} rx="2" />
            </svg>
          </button>
        )}
        <media-fullscreen-button />
      </media-control-bar>
    </media-controller>
  );
}

/** Between tries to go on after the network was away. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15_000;

/** hls.js as a video site wants it: start quickly and at what the network could do last time. */
function settings(startPosition: number) {
  const bandwidth = likelyBandwidth();
  return {
    workerPath,
    // A video that is still being made looks like a broadcast to hls.js; people want its beginning.
    startPosition,
    liveDurationInfinity: false,
    capLevelToPlayerSize: true,
    startFragPrefetch: true,
    backBufferLength: 60,
    // A first, wasted segment in the lowest quality is worse than trusting what was measured.
    testBandwidth: false,
    ...(bandwidth === null ? {} : { abrEwmaDefaultEstimate: bandwidth, abrEwmaDefaultEstimateMax: Math.max(bandwidth, 5_000_000) }),
  };
}

function perform(
  action: Action,
  video: HlsVideoElement,
  controller: HTMLElement | null,
  around: { theatre?: PlayerProps["theatre"]; onHelp?: (() => void) | undefined },
) {
  const request = (name: string) => controller?.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true }));
  const root = controller?.shadowRoot?.host ?? controller;
  switch (action.do) {
    case "toggle":
      if (video.paused) void video.play().catch(() => undefined);
      else video.pause();
      return;
    case "seek":
      video.currentTime = Math.min(video.duration || 0, Math.max(0, video.currentTime + action.by));
      return;
    case "jump":
      if (Number.isFinite(video.duration)) video.currentTime = video.duration * action.share;
      return;
    case "volume":
      video.volume = Math.min(1, Math.max(0, video.volume + action.by));
      video.muted = video.volume === 0;
      return;
    case "mute":
      video.muted = !video.muted;
      return;
    case "speed":
      video.playbackRate = stepSpeed(video.playbackRate, action.by);
      return;
    case "fullscreen":
      if (document.fullscreenElement) void document.exitFullscreen();
      else void root?.requestFullscreen();
      return;
    case "pip":
      request(document.pictureInPictureElement ? "mediaexitpiprequest" : "mediaenterpiprequest");
      return;
    case "theatre":
      around.theatre?.toggle();
      return;
    case "help":
      around.onHelp?.();
  }
}
