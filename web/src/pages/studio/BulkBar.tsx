/** What can be done with the selected videos. */

import { useState } from "react";
import { useTranslation } from "../../i18n";
import { useClient } from "urql";
import type { Visibility } from "../../gql/graphql";
import { removeSoon } from "../../api/removal";
import { CloseIcon, RetryIcon, TrashIcon } from "../../ui/icons";
import { Select } from "../../ui/parts";
import { changeTags, retryAll, setVisibility } from "./bulk";
import { BulkTags } from "./BulkTags";
import type { Selection } from "./selection";

export function BulkBar({ selection }: { selection: Selection }) {
  const { t } = useTranslation();
  const client = useClient();
  const [busy, setBusy] = useState(false);
  const count = selection.ids.size;
  const chosen = selection.chosen();

  function run(task: Promise<void>) {
    setBusy(true);
    void task.finally(() => {
      setBusy(false);
      selection.clear();
    });
  }

  return (
    <section aria-label={t("bulk.title")} aria-busy={busy} className="bulk-bar z-20 mb-3 flex flex-wrap items-center gap-2 rounded-2xl border border-accent bg-tint px-3 py-2">
      <button type="button" className="btn-icon btn-bare" aria-label={t("bulk.clear")} onClick={selection.clear}>
        <CloseIcon />
      </button>
      <span className="mr-auto text-sm font-semibold" role="status">
        {t("bulk.selected", { count })}
      </span>
      <Select
        aria-label={t("details.visibility")}
        className="w-auto! text-sm"
        value=""
        disabled={busy}
        onChange={(event) => run(setVisibility(client, chosen, event.target.value as Visibility))}
      >
        <option value="" disabled>
          {t("details.visibility")}
        </option>
        {(["PUBLIC", "UNLISTED", "PRIVATE"] as const).map((one) => (
          <option key={one} value={one}>
            {t(`visibility.${one}`)}
          </option>
        ))}
      </Select>
      <BulkTags busy={busy} used={[...new Set(chosen.flatMap((video) => video.tags))]} onChange={(tags, add) => run(changeTags(client, chosen, tags, add))} />
      {chosen.some((video) => video.canRetry) && (
        <button type="button" className="btn btn-quiet" disabled={busy} onClick={() => run(retryAll(client, chosen))}>
          <RetryIcon />
          {t("action.retry")}
        </button>
      )}
      <button
        type="button"
        className="btn btn-bad bg-surface"
        disabled={busy}
        onClick={() => {
          removeSoon(client, [...selection.ids], t("bulk.deleted", { count }));
          selection.clear();
        }}
      >
        <TrashIcon />
        {t("action.delete")}
      </button>
    </section>
  );
}
