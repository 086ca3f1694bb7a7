/** One upload: how far it is, what can be done with it, its details to edit meanwhile. */

import { useEffect, useRef, useState } from "react";
import { useTranslation } from "../i18n";
import { Link } from "react-router";
import { useQuery } from "urql";
import { VideoNowDocument } from "../gql/graphql";
import { isMoving, useLiveVideo } from "../api/hooks";
import { copyText, linkOf } from "../ui/copy";
import { failureText, problemText } from "../ui/failures";
import { bytes, pageOf, percent, span } from "../ui/format";
import { CheckIcon, CloseIcon, EditIcon, LinkIcon, PauseIcon, PlayIcon, RetryIcon } from "../ui/icons";
import { Ladder } from "../ui/Ladder";
import { Bar, StateChip } from "../ui/parts";
import { useQueue } from "./context";
import { handleOf, openHandle, type FileHandle } from "./kept";
import { ACCEPT } from "./pick";
import { UploadDetails } from "./UploadDetails";
import { SET_ASIDE_MS, type Item } from "./queue";
import { toast } from "../ui/toasts";

/** `open`: its details are there to edit from the start. */
export function UploadRow({ item, open = false }: { item: Item; open?: boolean }) {
  const { t } = useTranslation();
  const queue = useQueue();
  const [editing, setEditing] = useState(open);
  const share = item.size > 0 ? (item.sent / item.size) * 100 : 0;
  const name = item.title || item.filename;
  const running = ["waiting", "starting", "sending", "offline"].includes(item.phase);

  function giveUp() {
    if (item.phase === "done") return queue.cancel(item.key);
    const bringBack = queue.setAside(item.key);
    toast(t("upload.cancelled", { name }), { ms: SET_ASIDE_MS, action: { label: t("action.undo"), run: bringBack } });
  }

  return (
    <div className="flex flex-col gap-2.5" data-upload={item.phase}>
      <div className="flex items-start gap-2">
        <div className="min-w-0 flex-1">
          <p className="truncate text-sm font-semibold">
            <bdi>{name}</bdi>
          </p>
          <p className="num text-sm text-muted">
            <Words item={item} share={share} />
          </p>
        </div>
        <div className="-mt-1.5 -mr-1.5 flex shrink-0">
          <button
            type="button"
            className="btn-icon btn-bare"
            aria-expanded={editing}
            aria-label={t("upload.edit", { name })}
            onClick={() => setEditing(!editing)}
          >
            <EditIcon />
          </button>
          {running && (
            <button type="button" className="btn-icon btn-bare" aria-label={t("upload.pause", { name })} onClick={() => queue.pause(item.key)}>
              <PauseIcon />
            </button>
          )}
          {item.phase === "paused" && (
            <button type="button" className="btn-icon btn-bare" aria-label={t("upload.resume", { name })} onClick={() => queue.resume(item.key)}>
              <PlayIcon />
            </button>
          )}
          {item.phase === "failed" && (
            <button type="button" className="btn-icon btn-bare" aria-label={t("upload.retry", { name })} onClick={() => queue.resume(item.key)}>
              <RetryIcon />
            </button>
          )}
          <button
            type="button"
            className="btn-icon btn-bare"
            aria-label={item.phase === "done" ? t("upload.dismiss", { name }) : t("upload.cancel", { name })}
            onClick={() => giveUp()}
          >
            <CloseIcon />
          </button>
        </div>
      </div>
      {item.phase !== "done" && (
        <Bar
          value={item.phase === "starting" ? null : Math.min(share, 99.9)}
          label={t("upload.progress", { name })}
          tone={item.phase === "failed" ? "bad" : item.phase === "sending" || item.phase === "starting" ? "accent" : "muted"}
        />
      )}
      {item.phase === "needsFile" && <ChooseAgain item={item} />}
      {item.phase === "done" && item.video !== null && <Made number={item.video} />}
      {editing && <UploadDetails item={item} />}
    </div>
  );
}

function Words({ item, share }: { item: Item; share: number }) {
  const { t } = useTranslation();
  const of = `${bytes(item.sent)} / ${bytes(item.size)}`;
  switch (item.phase) {
    case "waiting":
      return <>{t("upload.waiting")}</>;
    case "starting":
      return <>{t("upload.starting")}</>;
    case "sending":
      return (
        <>
          {percent(share)} · {of}
          {item.rate !== null && ` · ${bytes(item.rate)}/s`}
          {item.etaSeconds !== null && ` · ${t("progress.left", { span: span(item.etaSeconds) })}`}
        </>
      );
    case "paused":
      return <>{t("upload.paused", { of })}</>;
    case "offline":
      return <span className="font-semibold text-warn">{t("upload.offline", { of })}</span>;
    case "needsFile":
      return <>{t("upload.needsFile", { share: percent(share), of })}</>;
    case "failed":
      return (
        <span role="alert" className="font-semibold text-bad">
          {item.problem?.code === "gone" ? t("upload.gone") : (item.problem && problemText(item.problem)) || t("upload.refused")}
        </span>
      );
    case "done":
      return (
        <span className="inline-flex items-center gap-1 text-ok">
          <CheckIcon width="16" height="16" />
          {t("upload.stored")}
        </span>
      );
  }
}

/** The page cannot open the file by itself after a reload: some browsers ask, the others want it chosen again. */
function ChooseAgain({ item }: { item: Item }) {
  const { t } = useTranslation();
  const queue = useQueue();
  const input = useRef<HTMLInputElement>(null);
  const handle = useHandle(item.uploadId);
  const [lost, setLost] = useState(false);

  async function goOn(from: FileHandle) {
    try {
      const may = (await from.requestPermission?.({ mode: "read" })) ?? "granted";
      if (may === "granted" && (await queue.provide(item.key, await openHandle(from)))) return;
    } catch {
      // It was moved or deleted since.
    }
    setLost(true);
  }

  return (
    <div className="flex flex-wrap items-center gap-2">
      <input
        ref={input}
        type="file"
        accept={ACCEPT}
        className="sr-only"
        tabIndex={-1}
        aria-label={t("upload.choose", { name: item.filename })}
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file) void queue.provide(item.key, file);
          event.target.value = "";
        }}
      />
      {handle && !lost ? (
        <button type="button" className="btn btn-primary btn-small" onClick={() => void goOn(handle)}>
          {t("upload.goOn")}
        </button>
      ) : (
        <button type="button" className="btn btn-primary btn-small" onClick={() => input.current?.click()}>
          {t("upload.choose", { name: item.filename })}
        </button>
      )}
      <p className="text-sm text-muted">{handle && !lost ? t("upload.goOnWhy") : t("upload.chooseWhy")}</p>
      {item.problem?.code === "other_file" && (
        <p role="alert" className="w-full text-sm text-bad">
          {t("upload.otherFile", { name: item.problem.message })}
        </p>
      )}
    </div>
  );
}

/** What opens the upload's file, once that is known and if there is such a thing. */
function useHandle(uploadId: string | null): FileHandle | null {
  const [handle, setHandle] = useState<FileHandle | null>(null);
  useEffect(() => {
    if (!uploadId) return;
    let gone = false;
    handleOf(uploadId).then(
      (found) => {
        if (!gone) setHandle(found);
      },
      () => undefined,
    );
    return () => {
      gone = true;
    };
  }, [uploadId]);
  return handle;
}

/** What became of it: the video, while it is made and after. */
function Made({ number }: { number: number }) {
  const { t } = useTranslation();
  const [{ data }] = useQuery({ query: VideoNowDocument, variables: { id: String(number) } });
  const video = data?.video;
  useLiveVideo(video?.id, video !== null && video !== undefined && isMoving(video.state));
  if (!video) return null;
  return (
    <div className="flex flex-col gap-2.5">
      <div className="num flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
        <StateChip state={video.state} />
        {video.state === "QUEUED" && video.progress?.queuePosition && t("progress.position", { n: video.progress.queuePosition })}
        {video.state === "PROCESSING" && (
          <span>
            {percent(video.progress?.percent)}
            {video.progress?.etaSeconds ? ` · ${t("progress.left", { span: span(video.progress.etaSeconds) })}` : ""}
          </span>
        )}
      </div>
      {video.state === "PROCESSING" && <Ladder renditions={video.renditions} className="text-accent" />}
      {video.failure && <p className="text-sm text-bad">{failureText(video.failure).message}</p>}
      <div className="flex flex-wrap gap-2">
        {video.playable && (
          <Link className="btn btn-primary btn-small" to={pageOf(video)}>
            {t("action.watch")}
          </Link>
        )}
        <button type="button" className="btn btn-quiet btn-small" onClick={() => void copyText(linkOf(video))}>
          <LinkIcon width="15" height="15" />
          {t("action.copyLink")}
        </button>
        <Link className="btn btn-quiet btn-small" to={`/studio/${number}`}>
          {t("action.studio")}
        </Link>
      </div>
    </div>
  );
}
