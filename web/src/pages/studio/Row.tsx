/** One video in the studio's list, and the head of its columns. */

/* eslint-disable jsx-a11y/no-redundant-roles -- rows are grids, from which some browsers take it that this is no table */

import { memo, useEffect, type MouseEvent } from "react";
import { useTranslation } from "../../i18n";
import { Link, useSearchParams } from "react-router";
import { useClient, useMutation } from "urql";
import { CancelVideoDocument, RetryVideoDocument, type StudioRowFragment } from "../../gql/graphql";
import { isMoving, useLiveVideo } from "../../api/hooks";
import { removeSoon } from "../../api/removal";
import { copyText, linkOf } from "../../ui/copy";
import { failureText } from "../../ui/failures";
import { bytes, clock, count, pageOf, percent, span } from "../../ui/format";
import { CloseIcon, LinkIcon, PlayIcon, RetryIcon, TrashIcon } from "../../ui/icons";
import { Ladder } from "../../ui/Ladder";
import { Ago, StateChip, VisibilityMark } from "../../ui/parts";
import { Thumb } from "../../ui/Thumb";
import { COLUMNS, ROOMY, SORTED, type Column } from "./choices";
import { useLongPress, useSelected, type Rows, type Selection } from "./selection";

export function Head({ columns, sort, up, selection }: { columns: ReadonlySet<Column>; sort: string; up: boolean; selection: Selection }) {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();

  function by(column: string) {
    const next = new URLSearchParams(params);
    next.set("sort", column);
    // A title is looked for from A, everything else from the largest.
    next.set("up", (column === sort ? !up : column === "title") ? "1" : "0");
    setParams(next, { replace: true, preventScrollReset: true });
  }
  const sorted = (column: string) => (column !== sort ? undefined : up ? ("ascending" as const) : ("descending" as const));
  const name = (column: "title" | Column) =>
    column in SORTED ? (
      <button type="button" className="flex items-center gap-1 rounded font-semibold hover:text-ink" onClick={() => by(column)}>
        {t(`studio.column.${column}`)}
        <span aria-hidden="true">{column === sort ? (up ? "↑" : "↓") : ""}</span>
      </button>
    ) : (
      t(`studio.column.${column}`)
    );

  return (
    <thead role="rowgroup" className="text-left text-xs text-muted max-md:hidden">
      <tr role="row">
        <th role="columnheader" scope="col" className="px-2 py-2">
          <label className="grid size-8 place-items-center">
            <input
              type="checkbox"
              className="size-4 accent-accent"
              aria-label={t("bulk.all")}
              checked={selection.ids.size > 0}
              onChange={(event) => selection.all(event.target.checked)}
            />
          </label>
        </th>
        <th role="columnheader" scope="col" className="px-2 py-2 font-semibold" aria-sort={sorted("title")}>
          {name("title")}
        </th>
        {COLUMNS.filter((one) => columns.has(one)).map((one) => (
          <th key={one} role="columnheader" scope="col" className={`px-2 py-2 font-semibold whitespace-nowrap ${ROOMY.has(one) ? "roomy" : ""}`} aria-sort={sorted(one)}>
            {name(one)}
          </th>
        ))}
        <th role="columnheader" scope="col" className="px-2 py-2">
          <span className="sr-only">{t("studio.actions")}</span>
        </th>
      </tr>
    </thead>
  );
}

interface RowProps {
  video: StudioRowFragment;
  columns: ReadonlySet<Column>;
  rows: Rows;
}

export const Row = memo(function Row({ video, columns, rows }: RowProps) {
  const { t } = useTranslation();
  useLiveVideo(video.id, isMoving(video.state));
  const { know, toggle } = rows;
  const selected = useSelected(rows, video.id);
  useEffect(() => know(video), [know, video]);
  const press = useLongPress(() => toggle(video.id, false));

  // While some are selected a tap anywhere on a row selects it, too.
  function click(event: MouseEvent<HTMLTableRowElement>) {
    const on = event.target as HTMLElement;
    if (rows.ids().size === 0 || on.closest("button, input, label") || (on.closest("a") && !matchMedia("(pointer: coarse)").matches)) return;
    event.preventDefault();
    toggle(video.id, event.shiftKey);
  }

  return (
    <tr
      role="row"
      data-row={video.id}
      data-video={video.number}
      data-selected={selected || undefined}
      className="row group border-t border-line hover:bg-sunken data-selected:bg-tint"
      onClick={click}
      {...press}
    >
      <td role="cell" className="cell-box px-2 py-2">
        <label className="grid size-8 place-items-center">
          <input
            type="checkbox"
            className="size-4 accent-accent"
            aria-label={t("bulk.one", { title: video.title })}
            checked={selected}
            onChange={() => undefined}
            onClick={(event) => toggle(video.id, event.shiftKey)}
          />
        </label>
      </td>
      <td role="cell" className="cell-main min-w-0 px-2 pt-2.5 pb-1 md:pb-2.5">
        <div className="flex items-center gap-3.5">
          <div className="relative aspect-video w-28 flex-none overflow-hidden rounded-lg bg-sunken text-white sm:w-32">
            <Thumb video={video} />
          </div>
          <div className="min-w-0 flex-1">
            <h2 className="truncate text-base">
              <Link to={`/studio/${video.number}`} className="no-underline hover:underline">
                <bdi>{video.title}</bdi>
              </Link>
            </h2>
            <Standing video={video} />
            <p className="num flex flex-wrap gap-x-2.5 text-sm text-muted md:hidden">
              <Ago at={video.createdAt} />
              <VisibilityMark visibility={video.visibility} />
            </p>
          </div>
        </div>
      </td>
      {COLUMNS.filter((one) => columns.has(one)).map((one) => (
        <td key={one} role="cell" className={`num min-w-0 px-2 py-2 text-muted max-md:hidden ${ROOMY.has(one) ? "roomy" : ""}`}>
          <Cell column={one} video={video} />
        </td>
      ))}
      <td role="cell" className="cell-actions px-2 py-2">
        <Actions video={video} />
      </td>
    </tr>
  );
});

/** What happens to it, as long as anything does. */
function Standing({ video }: { video: StudioRowFragment }) {
  const { t } = useTranslation();
  const { progress } = video;
  if (video.state === "READY") return null;
  return (
    <div className="mt-0.5 flex flex-col gap-1">
      <p className="num flex flex-wrap items-center gap-x-2.5 gap-y-1 text-sm text-muted">
        <StateChip state={video.state} />
        {video.state === "QUEUED" && progress?.queuePosition && t("progress.position", { n: progress.queuePosition })}
        {video.state === "PROCESSING" && (
          <span>
            {percent(progress?.percent)}
            {progress?.etaSeconds ? ` · ${t("progress.left", { span: span(progress.etaSeconds) })}` : ""}
          </span>
        )}
        {video.failure && <span className="text-bad">{failureText(video.failure).message}</span>}
      </p>
      {video.state === "PROCESSING" && <Ladder renditions={video.renditions} className="max-w-xs text-accent" />}
    </div>
  );
}

function Cell({ column, video }: { column: Column; video: StudioRowFragment }) {
  const { t } = useTranslation();
  switch (column) {
    case "visibility":
      return video.visibility === "PUBLIC" ? t("visibility.PUBLIC") : <VisibilityMark visibility={video.visibility} />;
    case "date":
      return <Ago at={video.createdAt} />;
    case "views":
      return count(video.views);
    case "length":
      return clock(video.duration);
    case "size":
      return bytes(video.source.bytes);
    case "tags":
      return <bdi className="block truncate" title={video.tags.join(", ")}>{video.tags.join(", ")}</bdi>;
  }
}

function Actions({ video }: { video: StudioRowFragment }) {
  const { t } = useTranslation();
  const client = useClient();
  const [, retry] = useMutation(RetryVideoDocument);
  const [, cancel] = useMutation(CancelVideoDocument);
  const { title } = video;
  return (
    <div className="flex justify-end">
      {video.playable && (
        <Link className="btn-icon btn-bare" to={pageOf(video)} aria-label={t("row.watch", { title })} title={t("action.watch")}>
          <PlayIcon />
        </Link>
      )}
      {video.canRetry && (
        <button type="button" className="btn-icon btn-bare" aria-label={t("row.retry", { title })} title={t("action.retry")} onClick={() => void retry({ id: video.id })}>
          <RetryIcon />
        </button>
      )}
      {video.canCancel && (
        <button type="button" className="btn-icon btn-bare" aria-label={t("row.cancel", { title })} title={t("action.cancel")} onClick={() => void cancel({ id: video.id })}>
          <CloseIcon />
        </button>
      )}
      <button type="button" className="btn-icon btn-bare" aria-label={t("row.copy", { title })} title={t("action.copyLink")} onClick={() => void copyText(linkOf(video))}>
        <LinkIcon />
      </button>
      <button
        type="button"
        className="btn-icon btn-bare"
        aria-label={t("row.delete", { title })}
        title={t("action.delete")}
        onClick={() => removeSoon(client, [video.id], t("bulk.deletedOne", { title }))}
      >
        <TrashIcon />
      </button>
    </div>
  );
}
