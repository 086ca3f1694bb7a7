/** Choosing files, and all uploads with their details. */

import { useEffect, useRef, useState } from "react";
import { useTranslation } from "../i18n";
import { useQuery } from "urql";
import { ServerInfoDocument, type Visibility } from "../gql/graphql";
import { bytes } from "../ui/format";
import { UploadIcon } from "../ui/icons";
import { VISIBILITIES } from "../ui/AutoDetails";
import { addFiles } from "../upload/add";
import { PageHead, Select, Title } from "../ui/parts";
import { noticesOn, setNotices } from "../app/notices";
import { useItems, useQueue } from "../upload/context";
import { UploadRow } from "../upload/UploadRow";
import { sharedFiles } from "../upload/shared";
import { ACCEPT, keepVisibility, pickFiles, usualVisibility } from "../upload/pick";

export default function Upload() {
  const { t } = useTranslation();
  const queue = useQueue();
  const items = useItems();
  const input = useRef<HTMLInputElement>(null);
  const [{ data }] = useQuery({ query: ServerInfoDocument });
  const [visibility, setVisibility] = useState(usualVisibility);
  const finished = items.filter((item) => item.phase === "done").length;

  // What came from another app.
  useEffect(() => {
    void sharedFiles().then((files) => {
      if (files.length > 0) void addFiles(queue, files, { visibility: usualVisibility() });
    });
  }, [queue]);

  async function pick() {
    const files = await pickFiles(t("upload.kinds"));
    if (files) void addFiles(queue, files, { visibility });
    else input.current?.click();
  }

  return (
    <div className="mx-auto max-w-3xl">
      <Title text={t("nav.upload")} />
      <PageHead title={t("upload.title")}>
        {finished > 0 && (
          <button type="button" className="btn btn-quiet" onClick={() => queue.tidy()}>
            {t("upload.tidy")}
          </button>
        )}
      </PageHead>
      <div className="mb-6 flex flex-col items-center gap-3 rounded-3xl border-2 border-dashed border-line-strong bg-surface px-6 py-8 text-center">
        <UploadIcon width="40" height="40" className="text-accent" />
        <p className="text-lg font-semibold max-md:hidden">{t("upload.dropOr")}</p>
        <input
          ref={input}
          type="file"
          accept={ACCEPT}
          multiple
          className="sr-only"
          tabIndex={-1}
          aria-label={t("upload.pick")}
          onChange={(event) => {
            void addFiles(queue, [...(event.target.files ?? [])], { visibility });
            event.target.value = "";
          }}
        />
        <button type="button" className="btn btn-primary" onClick={() => void pick()}>
          {t("upload.pick")}
        </button>
        <label className="flex flex-wrap items-center justify-center gap-x-2.5 gap-y-1.5 text-sm">
          <span className="text-muted">{t("upload.usual")}</span>
          <Select
            className="w-auto! text-sm"
            value={visibility}
            onChange={(event) => {
              const chosen = event.target.value as Visibility;
              setVisibility(chosen);
              keepVisibility(chosen);
            }}
          >
            {VISIBILITIES.map((one) => (
              <option key={one} value={one}>
                {t(`visibility.${one}`)} – {t(`visibilityHint.${one}`)}
              </option>
            ))}
          </Select>
        </label>
        <Notices />
        <p className="text-sm text-muted">
          {t("upload.advice")}
          {data && ` ${t("upload.limit", { size: bytes(data.serverInfo.maxUploadBytes) })}`}
        </p>
      </div>
      {items.length > 0 && (
        <ul aria-label={t("upload.list")} className="panel divide-y divide-line">
          {items.toReversed().map((item) => (
            <li key={item.key} className="p-3 sm:px-4">
              <UploadRow item={item} open={items.length === 1 && item.phase !== "done"} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Whether the system says when a video is ready, for those who go and do something else meanwhile. */
function Notices() {
  const { t } = useTranslation();
  const [on, setOn] = useState(noticesOn);
  if (!("Notification" in globalThis)) return null;
  return (
    <label className="flex items-center gap-2 text-sm">
      <input type="checkbox" className="size-4 accent-accent" checked={on} onChange={(event) => void setNotices(event.target.checked).then(setOn)} />
      {t("notice.wanted")}
    </label>
  );
}
