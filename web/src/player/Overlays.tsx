/** What lies over the picture: what a key did, what is wrong, what comes after the end, figures. */

import { useEffect, useState } from "react";
import type { HlsVideoElement } from "hls-video-element";
import { t, useTranslation } from "../i18n";
import { bytes, decimal } from "../ui/format";
import { PlayIcon, RetryIcon, WarnIcon } from "../ui/icons";
import type { Flash } from "./flash";

export function FlashView({ flash }: { flash: Flash | null }) {
  return (
    <div {...{ noautohide: "" }} className="player-flash" data-side={flash?.side} aria-hidden="true">
      {flash && <span key={flash.key}>{flash.text}</span>}
    </div>
  );
}

/** `away`: the network or the server, it goes on by itself. `missing`: there is nothing to play. `broken`: it cannot be decoded. */
export type Trouble = "away" | "missing" | "broken";

export function TroubleView({ trouble, again }: { trouble: Trouble; again: () => void }) {
  const { t } = useTranslation();
  return (
    <div {...{ noautohide: "" }} className="player-cover" role="alert" data-trouble={trouble}>
      <WarnIcon width="32" height="32" />
      <p className="text-lg font-semibold">{t(`player.trouble.${trouble}`)}</p>
      <p>{t(`player.advice.${trouble}`)}</p>
      <button type="button" className="btn bg-white text-black" onClick={again}>
        <RetryIcon />
        {t("action.tryAgain")}
      </button>
    </div>
  );
}

export interface Next {
  title: string;
  poster: string | null;
  go: () => void;
}

export function EndView({ replay, next }: { replay: () => void; next: Next | null }) {
  const { t } = useTranslation();
  return (
    <div {...{ noautohide: "" }} className="player-cover player-end" role="group" aria-label={t("player.ended")}>
      <button type="button" className="btn bg-white text-black" onClick={replay}>
        <RetryIcon />
        {t("player.replay")}
      </button>
      {next && (
        <button type="button" className="player-next" onClick={next.go}>
          {next.poster && <img src={next.poster} alt="" />}
          <span>
            <span className="text-xs opacity-85">{t("player.next")}</span>
            <bdi className="line-clamp-2 font-semibold">{next.title}</bdi>
          </span>
          <PlayIcon />
        </button>
      )}
    </div>
  );
}

/** Figures for those who want to know. */
export function Stats({ video, onClose }: { video: HlsVideoElement; onClose: () => void }) {
  const { t } = useTranslation();
  const [rows, setRows] = useState<[Stat, string][]>([]);
  useEffect(() => {
    const read = () => setRows(figures(video));
    read();
    const timer = setInterval(read, 500);
    return () => clearInterval(timer);
  }, [video]);
  return (
    <div {...{ noautohide: "" }} className="player-stats" role="group" aria-label={t("player.stats")}>
      <button type="button" aria-label={t("action.close")} onClick={onClose}>
        ×
      </button>
      <dl dir="ltr">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{t(`player.stat.${name}`)}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

interface Figures {
  levels?: { height: number; bitrate: number; frameRate?: number; videoCodec?: string; audioCodec?: string }[];
  currentLevel?: number;
  autoLevelEnabled?: boolean;
  bandwidthEstimate?: number;
}

type Stat = "picture" | "viewport" | "quality" | "codecs" | "network" | "buffer" | "frames" | "time";

function figures(video: HlsVideoElement): [Stat, string][] {
  const api = video.api as Figures | null;
  const level = api?.levels?.at(api.currentLevel ?? 0);
  const quality = (video as unknown as { getVideoPlaybackQuality?: () => VideoPlaybackQuality }).getVideoPlaybackQuality?.();
  const { buffered, currentTime } = video;
  let ahead = 0;
  for (let at = 0; at < buffered.length; at += 1) {
    if (buffered.start(at) <= currentTime && currentTime <= buffered.end(at)) ahead = buffered.end(at) - currentTime;
  }
  const box = video.getBoundingClientRect();
  return [
    ["picture", `${video.videoWidth}×${video.videoHeight}${level?.frameRate ? `@${decimal(level.frameRate, 0)}` : ""}`],
    ["viewport", `${Math.round(box.width)}×${Math.round(box.height)} ×${decimal(devicePixelRatio, 2)}`],
    ["quality", level ? `${level.height}p, ${Math.round(level.bitrate / 1000)} kbit/s${api?.autoLevelEnabled ? " (auto)" : ""}` : "–"],
    ["codecs", level ? [level.videoCodec, level.audioCodec].filter(Boolean).join(", ") : "–"],
    ["network", api?.bandwidthEstimate ? `${bytes(api.bandwidthEstimate / 8)}/s` : "–"],
    ["buffer", `${decimal(ahead, 1)} s`],
    ["frames", quality ? t("player.stat.dropped", { dropped: quality.droppedVideoFrames, of: quality.totalVideoFrames }) : "–"],
    ["time", `${decimal(currentTime, 3)} / ${decimal(video.duration || 0, 3)} s`],
  ];
}
