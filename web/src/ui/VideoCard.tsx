/** A video in a grid: picture, title, and what happens to it while it is being made. */

import { memo, useRef, useState, type PointerEvent } from "react";
import { useTranslation } from "../i18n";
import { Link } from "react-router";
import type { VideoCardFragment } from "../gql/graphql";
import { isMoving, useLiveVideo } from "../api/hooks";
import { failureText } from "./failures";
import { count, pageOf, percent, span } from "./format";
import { WarnIcon } from "./icons";
import { Ladder } from "./Ladder";
import { Ago, VisibilityMark } from "./parts";
import { Thumb } from "./Thumb";
import { placeOf } from "../player/memory";
import { warmPlayer } from "../player/warm";

/** `owned`: on a page of its owner, who need not be named. */
export const VideoCard = memo(function VideoCard({
  video,
  eager = false,
  owned = false,
}: {
  video: VideoCardFragment;
  eager?: boolean;
  owned?: boolean;
}) {
  const { t } = useTranslation();
  useLiveVideo(video.id, isMoving(video.state));
  const frame = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const target = video.playable || !video.canEdit ? pageOf(video) : `/studio/${video.number}`;

  // The link covers the whole card, so the picture itself never sees the pointer.
  function move(event: PointerEvent<HTMLElement>) {
    const box = frame.current?.getBoundingClientRect();
    if (event.pointerType !== "mouse" || !box) return;
    const over = event.clientY <= box.bottom;
    setAt(over ? Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) : null);
  }
  const warm = () => warmPlayer(video.playback?.hlsUrl);

  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- only looks ahead; the link inside does what keys do
    <article
      className="group relative -m-1 flex flex-col gap-2.5 p-1 [contain-intrinsic-size:auto_16rem] [content-visibility:auto]"
      data-video={video.number}
      onPointerEnter={warm}
      onFocus={warm}
      onPointerMove={move}
      onPointerLeave={() => setAt(null)}
    >
      <div
        ref={frame}
        className="relative aspect-video overflow-hidden rounded-xl bg-sunken text-white ring-1 ring-line"
      >
        <Thumb video={video} at={at} eager={eager} />
        {video.state !== "READY" && video.canEdit && <Making video={video} />}
        <Watched video={video} />
      </div>
      <div className="flex flex-col gap-0.5 px-0.5">
        <h3 className="line-clamp-2 text-base leading-snug tracking-[-0.01em]">
          <Link to={target} className="no-underline after:absolute after:inset-0 after:rounded-xl group-hover:underline">
            <bdi>{video.title}</bdi>
          </Link>
        </h3>
        <p className="flex flex-wrap gap-x-2 text-sm text-muted">
          {owned || (
            <Link to={`/u/${encodeURIComponent(video.owner.username)}`} className="relative z-10 inline-flex min-h-6 min-w-6 items-center no-underline hover:text-ink hover:underline">
              {video.owner.username}
            </Link>
          )}
          {video.state === "READY" && <span>{t("video.views", { count: video.views, shown: count(video.views) })}</span>}
          <Ago at={video.createdAt} />
          <VisibilityMark visibility={video.visibility} />
        </p>
      </div>
    </article>
  );
});

/** How much of it was seen here, along the lower edge. */
function Watched({ video }: { video: VideoCardFragment }) {
  const { t } = useTranslation();
  const place = placeOf(String(video.number));
  if (place === 0 || !video.duration) return null;
  const share = Math.min(100, (place / video.duration) * 100);
  return (
    <span role="img" aria-label={t("card.watched", { share: percent(share) })} className="absolute inset-x-0 bottom-0 h-1 bg-black/60" data-track>
      <span className="block h-full bg-[#ff5c4d]" data-fill style={{ width: `${share}%` }} />
    </span>
  );
}

/** What lies over the picture of a video that is not ready. */
function Making({ video }: { video: VideoCardFragment }) {
  const { t } = useTranslation();
  if (video.state === "FAILED" || video.state === "CANCELLED") {
    return (
      <span className="pointer-events-none absolute inset-0 flex flex-col items-center justify-center gap-1 bg-black/55 p-4 text-center text-sm">
        <WarnIcon />
        <span className="font-semibold">{t(`state.${video.state}`)}</span>
        {video.failure && <span className="line-clamp-2 text-white/85">{failureText(video.failure).message}</span>}
      </span>
    );
  }
  const progress = video.progress;
  const share = percent(progress?.percent);
  return (
    <span className="pointer-events-none absolute inset-0 flex flex-col justify-end gap-2 bg-linear-to-t from-black/85 via-black/55 to-black/25 p-3">
      <span className="flex items-baseline justify-between gap-2 text-sm">
        <span className="font-semibold">
          {video.playable ? t("card.playable") : t(`state.${video.state}`)}
          {video.state === "QUEUED" && progress?.queuePosition ? ` · ${t("progress.position", { n: progress.queuePosition })}` : ""}
        </span>
        {video.state === "PROCESSING" && (
          <span className="num">
            {share}
            {progress?.etaSeconds ? ` · ${span(progress.etaSeconds)}` : ""}
          </span>
        )}
      </span>
      <Ladder renditions={video.renditions} />
    </span>
  );
}
