/** One video for those who may change it: what happens to it, what went wrong, its details. */

import "./texts";
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "../../i18n";
import { Link, useNavigate, useParams } from "react-router";
import { useClient, useMutation, useQuery } from "urql";
import { CancelVideoDocument, RetryVideoDocument, StudioDocument, type StudioQuery } from "../../gql/graphql";
import { isMoving, useLiveVideo } from "../../api/hooks";
import { removeSoon } from "../../api/removal";
import { Player } from "../../player/lazy";
import { copyText, linkOf } from "../../ui/copy";
import { bytes, clock, decimal, pageOf, percent, span } from "../../ui/format";
import { CloseIcon, ImageIcon, LinkIcon, PlayIcon, RetryIcon, TrashIcon } from "../../ui/icons";
import { Bar, Empty, StateChip, Title, Trouble } from "../../ui/parts";
import { Thumb } from "../../ui/Thumb";
import { useDone } from "../../ui/useDone";
import { Attempts } from "./Attempts";
import { Captions } from "./Captions";
import { Details } from "./Details";
import { FailurePanel } from "./FailurePanel";
import { OwnPicture } from "./OwnPicture";
import { Renditions } from "./Renditions";
import { Tracks } from "./Tracks";

const ThumbnailDialog = lazy(() => import("./ThumbnailDialog"));

export type StudioVideoData = NonNullable<StudioQuery["video"]>;

export default function StudioVideo() {
  const { t } = useTranslation();
  const { id = "" } = useParams();
  const [gone, setGone] = useState(false);
  const [{ data, error }, refetch] = useQuery({
    query: StudioDocument,
    variables: { id },
    requestPolicy: "cache-and-network",
    pause: gone,
  });
  const video = data?.video;
  useLiveVideo(video?.id, video !== null && video !== undefined && isMoving(video.state));

  // Attempts and logs come with no event: ask for them when the state has changed.
  const state = video?.state;
  useEffect(() => {
    if (state) refetch({ requestPolicy: "network-only" });
  }, [state, refetch]);

  if (error && !data) return <Trouble error={error} retry={() => refetch({ requestPolicy: "network-only" })} />;
  if (!data) return <div className="min-h-[70dvh]" aria-busy="true" />;
  if (!video?.canEdit) {
    return (
      <Empty title={t("watch.notFound")} action={<Link className="btn btn-primary" to="/studio">{t("studio.title")}</Link>}>
        {t("watch.notFoundAdvice")}
      </Empty>
    );
  }
  return <Page video={video} onGone={() => setGone(true)} refetch={() => refetch({ requestPolicy: "network-only" })} />;
}

function Page({ video, onGone, refetch }: { video: StudioVideoData; onGone: () => void; refetch: () => void }) {
  const { t } = useTranslation();
  const client = useClient();
  const navigate = useNavigate();
  const [choosing, setChoosing] = useState(false);
  const [cancelling, cancel] = useMutation(CancelVideoDocument);
  const [retrying, retry] = useMutation(RetryVideoDocument);
  const { problem, run } = useDone();
  const failed = video.failure && video.state !== "READY" ? video.failure : null;
  const done = video.state === "READY";

  const retryButton = video.canRetry && (
    <button
      type="button"
      className={`btn ${failed?.retryable ? "btn-primary" : "btn-quiet"}`}
      disabled={retrying.fetching}
      onClick={() => void run(retry({ id: video.id }), (data) => data.retryVideo.userErrors)}
    >
      <RetryIcon />
      {t("action.retry")}
    </button>
  );

  return (
    <div className="mx-auto max-w-6xl">
      <Title text={video.title} />
      <p className="mb-1 text-sm">
        <Link to="/studio" className="text-muted">
          {t("studio.title")}
        </Link>
      </p>
      <div className="mb-5 flex flex-wrap items-center gap-x-4 gap-y-3">
        <h1 className="mr-auto min-w-0 text-xl sm:text-2xl">
          <bdi>{video.title}</bdi>
        </h1>
        <div className="flex flex-wrap gap-2">
          {video.playable && (
            <Link className="btn btn-primary" to={pageOf(video)}>
              <PlayIcon />
              {t("action.watch")}
            </Link>
          )}
          <button type="button" className="btn btn-quiet lg:hidden" onClick={() => void copyText(linkOf(video))}>
            <LinkIcon />
            {t("action.copyLink")}
          </button>
          {!failed && retryButton}
          {video.canCancel && (
            <button
              type="button"
              className="btn btn-quiet"
              disabled={cancelling.fetching}
              onClick={() => void run(cancel({ id: video.id }), (data) => data.cancelVideo.userErrors)}
            >
              <CloseIcon />
              {t("action.cancel")}
            </button>
          )}
          <button
            type="button"
            className="btn btn-bad"
            onClick={() => {
              removeSoon(client, [video.id], t("bulk.deletedOne", { title: video.title }));
              onGone();
              void navigate("/studio", { replace: true });
            }}
          >
            <TrashIcon />
            {t("action.delete")}
          </button>
        </div>
      </div>
      {problem && (
        <p role="alert" className="mb-4 rounded-xl bg-bad-tint px-4 py-3 text-sm text-bad">
          {problem}
        </p>
      )}
      {failed && <FailurePanel failure={failed} retry={retryButton} />}
      <div className="grid gap-6 lg:grid-cols-[minmax(0,1fr)_21rem]">
        <div className="flex min-w-0 flex-col gap-6">
          {!failed && <Stage video={video} />}
          {!done && (
            <>
              {!failed && <Progress video={video} />}
              <Renditions video={video} />
            </>
          )}
          <Details video={video} />
          <Captions video={video} onChanged={refetch} />
        </div>
        <div className="flex min-w-0 flex-col gap-6">
          <Sharing video={video} />
          {done && <Progress video={video} />}
          <Sections video={video} />
          <section id="picture" className="panel overflow-hidden" aria-label={t("studio.thumbnail")}>
            <div className="relative aspect-video bg-sunken text-white">
              <Thumb video={video} eager />
            </div>
            <div className="flex flex-col gap-2 p-3">
              {video.playable && (
                <button type="button" className="btn btn-quiet w-full" onClick={() => setChoosing(true)}>
                  <ImageIcon />
                  {t("studio.chooseThumbnail")}
                </button>
              )}
              <OwnPicture video={video} onChanged={refetch} />
            </div>
          </section>
          <Source video={video} />
          <Attempts jobs={video.jobs} />
        </div>
      </div>
      <div className="mt-6 flex flex-col gap-6">
        {done && (
          <details id="renditions-folded" className="panel">
            <summary className="flex items-center gap-3 px-4 py-3 font-semibold sm:px-5">
              {t("studio.renditions")}
              <span className="num text-sm font-normal text-muted">{video.renditions.map((one) => one.name).join(" · ")}</span>
            </summary>
            <Renditions video={video} />
          </details>
        )}
        <div id="tracks">
          <Tracks video={video} />
        </div>
      </div>
      <Suspense>{choosing && <ThumbnailDialog video={video} onClose={() => setChoosing(false)} />}</Suspense>
    </div>
  );
}

/** The picture first; the player when somebody wants it. */
function Stage({ video }: { video: StudioVideoData }) {
  const { t } = useTranslation();
  const [playing, setPlaying] = useState(false);
  const { playback } = video;
  const shape = Math.max(video.width && video.height ? video.width / video.height : 16 / 9, 4 / 3);
  return (
    <div className="relative overflow-hidden rounded-2xl bg-stage text-white" style={{ aspectRatio: shape, maxHeight: "60dvh", minWidth: "100%" }}>
      {playing && playback ? (
        <Player
          id={String(video.number)}
          title={video.title}
          src={playback.hlsUrl}
          poster={playback.thumbnailUrl ?? video.thumbnailUrl}
          storyboard={playback.storyboardUrl}
          captions={video.captions}
          autoplay
          keys={false}
        />
      ) : (
        <>
          <Thumb video={video} eager />
          {playback && (
            <button
              type="button"
              className="absolute inset-0 grid place-items-center"
              aria-label={t("studio.play", { title: video.title })}
              onPointerEnter={Player.warm}
              onFocus={Player.warm}
              onClick={() => setPlaying(true)}
            >
              <span className="grid size-16 place-items-center rounded-full bg-black/65">
                <PlayIcon width="30" height="30" />
              </span>
            </button>
          )}
        </>
      )}
    </div>
  );
}

/** The link to it, and to whom it opens. */
function Sharing({ video }: { video: StudioVideoData }) {
  const { t } = useTranslation();
  return (
    <section id="sharing" className="panel flex flex-col gap-2 p-4" aria-labelledby="sharing-title">
      <h2 id="sharing-title" className="text-base">
        {t("share.link")}
      </h2>
      <div className="flex gap-2">
        <input className="field min-w-0 text-sm" aria-label={t("share.link")} readOnly value={linkOf(video)} onFocus={(event) => event.target.select()} />
        <button type="button" className="btn btn-primary" onClick={() => void copyText(linkOf(video))}>
          {t("action.copy")}
        </button>
      </div>
      <p className="text-sm text-muted">
        {t(`visibility.${video.visibility}`)}: {t(`visibilityHint.${video.visibility}`)}
      </p>
    </section>
  );
}

/** Links to the parts of the page, which are addresses of their own. */
function Sections({ video }: { video: StudioVideoData }) {
  const { t } = useTranslation();
  const parts = [
    ["details", t("details.heading")],
    ["captions", t("captions.title")],
    ["picture", t("studio.thumbnail")],
    ...(video.renditions.length > 0 ? [[video.state === "READY" ? "renditions-folded" : "renditions", t("studio.renditions")]] : []),
    ["tracks", t("tracks.title")],
    ["original", t("source.title")],
    ["attempts", t("attempts.title")],
  ];
  return (
    <nav aria-label={t("studio.sections")} className="flex flex-wrap gap-2">
      {parts.map(([id = "", name]) => (
        <a
          key={id}
          href={`#${id}`}
          className="chip min-h-7 border border-line bg-surface px-3 no-underline hover:border-line-strong"
          onClick={() => {
            const part = document.getElementById(id);
            if (part instanceof HTMLDetailsElement) part.open = true;
          }}
        >
          {name}
        </a>
      ))}
    </nav>
  );
}

/** The whole of it in one line: where it stands and how long it takes. */
function Progress({ video }: { video: StudioVideoData }) {
  const { t } = useTranslation();
  const { progress } = video;
  return (
    <section className="panel p-4 sm:p-5" aria-label={t("studio.progress")}>
      <div className="num flex flex-wrap items-center gap-x-4 gap-y-2" role="status">
        <StateChip state={video.state} />
        {video.state === "QUEUED" && progress?.queuePosition && (
          <span>{t("progress.queued", { n: progress.queuePosition })}</span>
        )}
        {video.state === "PROCESSING" && (
          <>
            <span className="text-lg font-bold">{percent(progress?.percent)}</span>
            {progress?.stage && <span className="text-muted">{t(`stage.${progress.stage as "queued"}`, { defaultValue: progress.stage })}</span>}
            {progress?.etaSeconds ? <span className="text-muted">{t("progress.left", { span: span(progress.etaSeconds) })}</span> : null}
            {progress?.speed ? <span className="text-muted">{decimal(progress.speed, 1)}×</span> : null}
          </>
        )}
        {video.state !== "READY" && video.playable && <span className="text-ok">{t("card.playable")}</span>}
        {video.state === "READY" && (
          <span className="text-muted">
            {clock(video.duration)}
            {video.width && video.height ? ` · ${video.width}×${video.height}` : ""}
            {video.fps ? ` · ${decimal(video.fps, video.fps % 1 === 0 ? 0 : 2)} fps` : ""}
          </span>
        )}
      </div>
      {video.state === "PROCESSING" && (
        <div className="mt-3">
          <Bar value={progress?.percent} label={t("studio.progress")} />
        </div>
      )}
    </section>
  );
}

function Source({ video }: { video: StudioVideoData }) {
  const { t } = useTranslation();
  const { source } = video;
  const rows: [string, string | null | undefined][] = [
    [t("source.filename"), source.filename],
    [t("source.type"), source.contentType],
    [t("source.size"), bytes(source.bytes)],
    [t("source.sha256"), source.sha256],
  ];
  return (
    <section id="original" className="panel p-4">
      <h2 className="mb-2 text-base">{t("source.title")}</h2>
      <dl className="flex flex-col gap-2 text-sm">
        {rows.map(
          ([name, value]) =>
            value && (
              <div key={name}>
                <dt className="text-xs text-muted">{name}</dt>
                <dd className="break-all">{value}</dd>
              </div>
            ),
        )}
      </dl>
      {source.downloadUrl && (
        <a className="btn btn-quiet btn-small mt-3" href={source.downloadUrl} download={source.filename ?? true}>
          {t("source.download")}
        </a>
      )}
    </section>
  );
}
