/** What of the storage can be freed, and doing so. */

import { useState } from "react";
import { useTranslation } from "../../i18n";
import { Link } from "react-router";
import { useMutation } from "urql";
import { FreeRoomDocument, type FreeableFieldsFragment } from "../../gql/admin/graphql";
import { bytes } from "../../ui/format";
import { TrashIcon } from "../../ui/icons";
import { toast } from "../../ui/toasts";
import { useDone } from "../../ui/useDone";

export function Freeable({ freeable, onFreed }: { freeable: FreeableFieldsFragment; onFreed: () => void }) {
  const { t } = useTranslation();
  const [freeing, free] = useMutation(FreeRoomDocument);
  const { problem, run } = useDone();
  const [uploads, setUploads] = useState(false);
  const rows = [
    { name: "garbage", count: freeable.garbage, size: freeable.garbageBytes },
    { name: "idle", count: freeable.idleUploads, size: freeable.idleBytes },
    { name: "failed", count: freeable.failedVideos, size: freeable.failedBytes },
  ] as const;
  const idle = freeable.idleUploads > 0;
  const some = freeable.garbage > 0 || (idle && uploads);

  async function sweep() {
    let left = 0;
    const done = await run(free({ idleUploads: idle && uploads }), (data) => {
      left = data.freeRoom.left;
      return data.freeRoom.userErrors;
    });
    if (done) toast(left > 0 ? t("storage.goesOn") : t("storage.freed"), { tone: "good" });
    onFreed();
  }

  return (
    <section className="panel mb-8 p-4 sm:p-5" aria-labelledby="freeable">
      <h2 id="freeable" className="mb-3 text-lg">
        {t("storage.freeable.title")}
      </h2>
      <ul className="num flex flex-col gap-3 text-sm">
        {rows.map((row) => (
          <li key={row.name} data-freeable={row.name} className="flex flex-wrap items-baseline gap-x-3">
            <span className="mr-auto min-w-0">
              <span className="font-semibold">{t(`storage.freeable.${row.name}`, { count: row.count })}</span>
              <span className="block text-muted">{t(`storage.freeable.${row.name}Advice`)}</span>
            </span>
            <span>{row.size === null ? t("storage.much") : bytes(row.size)}</span>
            {row.name === "failed" && row.count > 0 && <Link to="/admin/failures">{t("admin.tabs.failures")}</Link>}
          </li>
        ))}
      </ul>
      <div className="mt-4 flex flex-wrap items-center gap-x-4 gap-y-2">
        <button type="button" className="btn btn-quiet" disabled={!some || freeing.fetching} onClick={() => void sweep()}>
          <TrashIcon />
          {freeing.fetching ? t("storage.freeing") : t("storage.freeNow")}
        </button>
        {idle && (
          <label className="flex items-center gap-2 text-sm">
            <input type="checkbox" className="size-4 accent-accent" checked={uploads} onChange={(event) => setUploads(event.target.checked)} />
            {t("storage.withUploads")}
          </label>
        )}
      </div>
      <p role="alert" className="mt-2 text-sm font-semibold text-bad empty:hidden">
        {problem}
      </p>
    </section>
  );
}
