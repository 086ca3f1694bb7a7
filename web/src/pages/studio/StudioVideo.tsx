/** One video for those who may change it: what happens to it, what went wrong, its details. */

import "./texts";
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { useMutation, useQuery } from "urql";
import { CancelVideoDocument, RetryVideoDocument, StudioDocument, type StudioQuery } from "../../gql/graphql";
import { isMoving, useLiveVideo } from "../../api/hooks";
import { bytes, clock, decimal, pageOf, percent, span } from "../../ui/format";
import { CloseIcon, ImageIcon, PlayIcon, RetryIcon, TrashIcon } from "../../ui/icons";
import { Bar, Empty, StateChip, Title, Trouble } from "../../ui/parts";
import { Thumb } from "../../ui/Thumb";
import { useDone } from "../../ui/useDone";
import { Attempts } from "./Attempts";
import { Details } from "./Details";
import { FailurePanel } from "./FailurePanel";
import { Renditions } from "./Renditions";
import { Tracks } from "./Tracks";

const DeleteDialog = lazy(() => import("./DeleteDialog"));
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
  return <Page video={video} onGone={() => setGone(true)} />;
}

function Page({ video, onGone }: { video: StudioVideoData; onGone: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<"delete" | "thumbnail" | null>(null);
  const [cancelling, cancel] = useMutation(CancelVideoDocument);
  const [retrying, retry] = useMutation(RetryVideoDocument);
  const { problem, run } = useDone();

  return (
    <div className="mx-auto max-w-6xl">
      <Title text={video.title} />
      <p className="mb-1 text-sm">
        <Link to="/studio" className="text-muted">
          {t("studio.title")}
        </Link>
      </p>
      <div className="mb-5 flex flex-wrap items-center gap-x-4 gap-y-3">
        <h1 className="mr-auto min-w-0 text-xl sm:text-2xl">{video.title}</h1>
        <div className="flex flex-wrap gap-2">
          {video.playable && (
            <Link className="btn btn-primary" to={pageOf(video)}>
              <PlayIcon />
              {t("action.watch")}
            </Link>
          )}
          {video.canRetry && (
            <button
              type="button"
              className={`btn ${video.playable ? "btn-quiet" : "btn-primary"}`}
              disabled={retrying.fetching}
              onClick={() => void run(retry({ id: video.id }), (data) => data.retryVideo.userErrors)}
            >
              <RetryIcon />
              {t("action.retry")}
            </button>
          )}
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
          <button type="button" className="btn btn-bad" onClick={() => setDialog("delete")}>
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
      {video.failure && video.state !== "READY" && <FailurePanel failure={video.failure} />}
      <div className="grid gap-6 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="flex min-w-0 flex-col gap-6">
          <Progress video={video} />
          <Renditions video={video} />
          <Tracks video={video} />
          <Details video={video} />
        </div>
        <div className="flex flex-col gap-6">
          <section className="panel overflow-hidden" aria-label={t("studio.thumbnail")}>
            <div className="relative aspect-video bg-linear-150 from-[#20392f] to-[#101512]">
              <Thumb video={video} eager />
            </div>
            {video.playable && (
              <div className="p-3">
                <button type="button" className="btn btn-quiet w-full" onClick={() => setDialog("thumbnail")}>
                  <ImageIcon />
                  {t("studio.chooseThumbnail")}
                </button>
              </div>
            )}
          </section>
          <Source video={video} />
          <Attempts jobs={video.jobs} />
        </div>
      </div>
      <Suspense>
        {dialog === "thumbnail" && <ThumbnailDialog video={video} onClose={() => setDialog(null)} />}
        {dialog === "delete" && (
          <DeleteDialog
            video={video}
            onClose={() => setDialog(null)}
            onDeleted={() => {
              onGone();
              void navigate("/studio", { replace: true });
            }}
          />
        )}
      </Suspense>
    </div>
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
    <section className="panel p-4">
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
