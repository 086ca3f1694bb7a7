/** Plays one video over HLS. The only place that knows media-chrome and hls.js. */

import "./elements";
import "./player.css";
import { useEffect, useImperativeHandle, useRef, useState, type Ref } from "react";
import { useTranslation } from "../i18n";
import workerPath from "hls.js/dist/hls.worker.js?url";
import { Hls, type HlsVideoElement } from "hls-video-element";
import { perform, type Around } from "./actions";
import { captionKey, captionName, type CaptionTrack, htmlKind, keepRequested, lateness, moveCaptions, showCaptions, toggleCaptions, wantedCaptions } from "./captions";
import { useFlash } from "./flash";
import { listenToGestures } from "./gestures";
import { actionFor, SPEEDS, wantsKey } from "./keys";
import { keepBandwidth, keepPlace, keepQuality, keepRate, keepVolume, knownCaptions, knownQuality, knownRate, knownVolume, placeOf } from "./memory";
import { EndView, FlashView, Stats, TroubleView, type Next, type Trouble } from "./Overlays";
import { tellSystem } from "./session";
import { firstChoice, largestUseful, likelyBandwidth } from "./start";

// It is needed with the first segment; until then it can come from the server.
void fetch(workerPath).catch(() => undefined);

export interface PlayerHandle {
  /** Seconds. */
  time: () => number;
  seek: (seconds: number) => void;
  /** Whether it is worth keeping when its page is left. */
  playing: () => boolean;
}

export interface PlayerProps {
  /** Under this name the place in the video is kept. */
  id: string;
  title: string;
  /** Who made it, for the system's controls. */
  owner?: string;
  src: string;
  poster?: string | null | undefined;
  storyboard?: string | null | undefined;
  captions?: readonly CaptionTrack[];
  /** Seconds; without it the video goes on where it was left. */
  startAt?: number | null;
  autoplay?: boolean;
  /** False where the page has other uses for keys. */
  keys?: boolean;
  theatre?: { on: boolean; toggle: () => void };
  /** What to watch after it. */
  next?: Next | null;
  onHelp?: (() => void) | undefined;
  /** The server does not let this address play any more, as happens when a signed link runs out. */
  onRefused?: () => void;
  ref?: Ref<PlayerHandle>;
}

export function Player(props: PlayerProps) {
  const { id, title, owner = "", src, poster = null, storyboard, captions = NO_CAPTIONS, startAt = null, autoplay = false, keys = true, theatre, next = null, onHelp, onRefused, ref } = props;
  const { t, language } = useTranslation();
  const video = useRef<HlsVideoElement>(null);
  const controller = useRef<HTMLElement>(null);
  const [rejected, setRejected] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<{ src: string; what: Trouble } | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [ended, setEnded] = useState(false);
  const [looping, setLooping] = useState(false);
  const [stats, setStats] = useState<HlsVideoElement | null>(null);
  const [flash, say] = useFlash();
  const [begin] = useState(() => startAt ?? placeOf(id));
  const place = useRef(begin);
  /** How much later than at 0 the first moment is shown. */
  const late = useRef(0);
  const tracks = useHeld(captions, src);
  const around: Around & { onRefused?: (() => void) | undefined } = {
    theatre,
    onHelp,
    onRefused,
    say,
    onStats: () => setStats(stats ? null : video.current),
    onLoop: () => {
      setLooping(!looping);
      say(t(looping ? "player.loopOff" : "player.loopOn"));
    },
    onCaptions: () => {
      const shown = video.current ? toggleCaptions(video.current, tracks, language) : undefined;
      if (shown !== undefined) say(shown ? captionName(shown, language) : t("player.captionsOff"));
    },
  };
  const latest = useRef(around);
  useEffect(() => {
    latest.current = around;
  });

  useImperativeHandle(ref, () => ({
    time: () => video.current?.currentTime ?? 0,
    seek(seconds) {
      if (video.current) video.current.currentTime = seconds;
    },
    playing: () => video.current !== null && !video.current.paused && !video.current.ended,
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
      element.playbackRate = knownRate();
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
      if (element.currentTime < element.duration - 0.5) setEnded(false);
    });
    on("play", () => (playing.current = true));
    on("playing", () => {
      setEnded(false);
      setTrouble(null);
    });
    on("pause", () => {
      if (element.readyState > 0) playing.current = false;
      keep();
    });
    on("ended", () => {
      keep();
      setEnded(true);
    });
    on("ratechange", () => {
      if (element.readyState > 0) keepRate(element.playbackRate);
    });
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
    let mended = 0;
    const element = video.current;
    if (!element) return;
    const fails = (what: Trouble) => setTrouble({ src, what });
    element.config = settings(place.current);
    // Another try at the same address begins from the start, too.
    if (element.src === src) element.removeAttribute("src");
    element.src = src;
    queueMicrotask(() => queueMicrotask(() => {
      const { api } = element;
      if (gone || !api) return;
      // hls.js would start with the best that fits the player, whatever the network.
      api.on(Hls.Events.MANIFEST_PARSED, (_event, { levels }) => {
        const wanted = chosenLevel(levels);
        if (wanted !== null) {
          api.startLevel = wanted;
          // The menu shows what was chosen; its list is made by the element, which hears of this later.
          queueMicrotask(() => {
            const { videoRenditions } = element as { videoRenditions?: { selectedIndex: number } };
            if (videoRenditions) videoRenditions.selectedIndex = wanted;
          });
          return;
        }
        const choice = firstChoice(levels.map((level) => level.bitrate), likelyBandwidth());
        const pixels = Math.max(element.clientWidth, element.clientHeight) * devicePixelRatio;
        api.startLevel = Math.min(choice, api.maxAutoLevel, largestUseful(levels, pixels));
      });
      api.on(Hls.Events.ERROR, (_event, data) => {
        const status = data.response?.code;
        if (data.type === Hls.ErrorTypes.MEDIA_ERROR && data.fatal) {
          // Often a new decoder is enough.
          mended += 1;
          if (mended <= MOST_MENDS) api.recoverMediaError();
          else fails("broken");
          return;
        }
        if (data.type !== Hls.ErrorTypes.NETWORK_ERROR) {
          if (data.fatal) fails("broken");
          return;
        }
        // hls.js tries for half a minute before it gives up, but a signed link that was refused stays so.
        const refused = status === 401 || status === 403 || status === 404 || status === 410;
        if (refused && (data.fatal || src.includes("/media/s/"))) {
          if (told) return;
          told = true;
          setRejected(src);
          latest.current.onRefused?.();
          // If no other address comes, there is none.
          again = setTimeout(() => fails("missing"), latest.current.onRefused ? REFUSED_MS : 0);
          return;
        }
        if (!data.fatal) return;
        fails("away");
        // hls.js has given up. A server that was started again, or a train that left its tunnel, is worth
        // another try for as long as somebody watches.
        const whole = data.details.startsWith("manifest");
        clearTimeout(again);
        again = setTimeout(() => (whole ? api.loadSource(src) : api.startLoad()), wait);
        wait = Math.min(2 * wait, LONGEST_WAIT_MS);
      });
      api.on(Hls.Events.INIT_PTS_FOUND, (_event, { initPTS, timescale }) => {
        late.current = lateness(initPTS, timescale);
        moveCaptions(element, late.current);
      });
      api.on(Hls.Events.FRAG_LOADED, () => {
        wait = FIRST_WAIT_MS;
        setTrouble(null);
      });
    }));
    return () => {
      gone = true;
      clearTimeout(again);
    };
  }, [src, attempt]);

  useEffect(() => {
    if (!keys) return;
    const onKey = (event: KeyboardEvent) => {
      const element = video.current;
      const action = actionFor(event);
      if (!element || !action || event.defaultPrevented || wantsKey(event.target, event.key)) return;
      event.preventDefault();
      perform(action, element, controller.current, latest.current);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [keys]);

  useEffect(() => {
    const [element, frame] = [video.current, controller.current];
    if (!element || !frame) return;
    const stop = listenToGestures(frame, element, () => latest.current);
    // What is chosen in the menu is kept; `auto` for none.
    const onQuality = (event: Event) => {
      const index = Number((event as CustomEvent<string>).detail);
      keepQuality(Number.isInteger(index) ? (linesOf(element.api?.levels[index]) ?? null) : null);
    };
    const onCaptions = (event: Event) => keepRequested((event as CustomEvent<unknown>).detail);
    frame.addEventListener("mediarenditionrequest", onQuality);
    frame.addEventListener("mediashowsubtitlesrequest", onCaptions);
    return () => {
      stop();
      frame.removeEventListener("mediarenditionrequest", onQuality);
      frame.removeEventListener("mediashowsubtitlesrequest", onCaptions);
    };
  }, []);

  // The element takes its tracks over a moment after they are there, and anew when others come.
  useEffect(() => {
    const list = video.current?.textTracks;
    if (!list || tracks.length === 0) return;
    const show = () => {
      if (video.current) showCaptions(video.current, wantedCaptions(tracks, knownCaptions()));
    };
    show();
    list.addEventListener("addtrack", show);
    // Files are loaded when they are first shown. Their event does not bubble.
    const inner = video.current?.nativeEl;
    const loaded = () => {
      if (video.current) moveCaptions(video.current, late.current);
    };
    inner?.addEventListener("load", loaded, true);
    return () => {
      list.removeEventListener("addtrack", show);
      inner?.removeEventListener("load", loaded, true);
    };
  }, [tracks]);

  const goNext = next?.go ?? null;
  const heard = useRef(goNext);
  useEffect(() => {
    heard.current = goNext;
  });
  const hasNext = goNext !== null;
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    return tellSystem(element, { title, artist: owner, poster, next: hasNext ? () => heard.current?.() : null });
  }, [title, owner, poster, hasNext]);

  useEffect(() => {
    if (video.current) video.current.loop = looping;
  }, [looping]);

  const wrong = trouble?.src === src ? trouble.what : null;
  return (
    <media-controller
      ref={controller}
      nohotkeys
      class="player"
      lang={language}
      aria-label={title}
      data-rejected={rejected === src || undefined}
      data-covered={wrong !== null || ended || undefined}
    >
      <hls-video ref={video} slot="media" playsInline preload="auto" aria-label={title} tabIndex={-1}>
        {storyboard && <track key={storyboard} label="thumbnails" default kind="metadata" src={storyboard} />}
        {SIDE_FILES &&
          tracks.map((track) => (
            <track key={captionKey(track)} kind={htmlKind(track)} srcLang={track.language} label={captionName(track, language)} src={track.url} />
          ))}
      </hls-video>
      {poster && <media-poster-image slot="poster" src={poster} aria-hidden="true" />}
      <media-loading-indicator slot="centered-chrome" noautohide />
      <media-play-button slot="centered-chrome" class="player-big" notooltip />
      <media-error-dialog slot="dialog" />
      <FlashView flash={flash} />
      {wrong && (
        <TroubleView
          trouble={wrong}
          again={() => {
            setTrouble(null);
            setAttempt(attempt + 1);
            if (wrong === "missing") onRefused?.();
          }}
        />
      )}
      {ended && !looping && !wrong && (
        <EndView
          next={next}
          replay={() => {
            const element = video.current;
            if (!element) return;
            element.currentTime = 0;
            void element.play().catch(() => undefined);
          }}
        />
      )}
      {stats && <Stats video={stats} onClose={() => setStats(null)} />}
      {tracks.length > 0 && <media-captions-menu hidden anchor="auto">{NO_HEADER}</media-captions-menu>}
      <media-rendition-menu hidden anchor="auto">{NO_HEADER}</media-rendition-menu>
      <media-playback-rate-menu hidden anchor="auto" rates={SPEEDS.join(" ")}>
        {NO_HEADER}
      </media-playback-rate-menu>
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
        <button type="button" className="player-button" aria-pressed={looping} aria-label={t("player.loop")} title={t("player.loop")} onClick={around.onLoop}>
          <svg viewBox="0 0 24 24" width="22" height="22" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
            <path d="M4 12V9a3 3 0 0 1 3-3h11l-3-3M20 12v3a3 3 0 0 1-3 3H6l3 3" />
          </svg>
        </button>
        <media-playback-rate-menu-button>
          <svg slot="icon" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" aria-hidden="true">
            <path d="M4.9 17.5a8.5 8.5 0 1 1 14.2 0" />
            <path d="m12 13 3.5-4.5" />
          </svg>
        </media-playback-rate-menu-button>
        {tracks.length > 0 && <media-captions-menu-button />}
        <media-rendition-menu-button />
        {AIRPLAYS && <media-airplay-button />}
        {CASTS && <media-cast-button />}
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

/** Safari says where it could send a video, in its own way; others say it as the standard has it. Where there is no
 * receiver the buttons hide. */
const AIRPLAYS = "WebKitPlaybackTargetAvailabilityEvent" in globalThis;
const CASTS = !AIRPLAYS && "RemotePlayback" in globalThis;

/** Where the system plays HLS itself it finds captions in the playlist, and there must be no second ones. */
const SIDE_FILES = Hls.isSupported();

/** In place of a hidden button back to another menu, which screen readers would meet. */
const NO_HEADER = <span slot="header" hidden />;

const NO_CAPTIONS: readonly CaptionTrack[] = [];

/** Captions as they were at first: links that are signed change with every answer, and what is read must not go away. */
function useHeld(captions: readonly CaptionTrack[], src: string): readonly CaptionTrack[] {
  const names = captions.map((track) => `${captionKey(track)} ${track.label} ${track.default} ${track.forced}`).join("\n");
  const [held, setHeld] = useState({ captions, names, src });
  if (held.names === names && held.src === src) return held.captions;
  setHeld({ captions, names, src });
  return captions;
}

type Level = { width?: number; height?: number };

/** Lines of a quality, whichever way the picture stands. */
function linesOf(level: Level | undefined): number | undefined {
  return level?.height && Math.min(level.width ?? level.height, level.height);
}

/** The quality that was chosen last, or the next smaller one that there is; null if none was. */
function chosenLevel(levels: readonly Level[]): number | null {
  const lines = knownQuality();
  if (lines === null) return null;
  const fitting = levels.findLastIndex((level) => (linesOf(level) ?? Infinity) <= lines);
  return Math.max(0, fitting);
}

/** New decoders that one address is worth. */
const MOST_MENDS = 2;
/** For so long another address may come after one was refused, in milliseconds. */
const REFUSED_MS = 4_000;
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
