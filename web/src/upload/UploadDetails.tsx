/** Title, description and visibility of an upload, to edit while it goes up and after. */

import { useState, type SubmitEvent } from "react";
import { useTranslation } from "react-i18next";
import { useClient } from "urql";
import { UpdateUploadDocument, UpdateVideoDocument, type ProblemFragment } from "../gql/graphql";
import { DetailFields, readDetails } from "../ui/DetailFields";
import { useQueue } from "./context";
import type { Details, Item } from "./queue";

export function UploadDetails({ item, onSaved }: { item: Item; onSaved?: (() => void) | undefined }) {
  const { t } = useTranslation();
  const queue = useQueue();
  const client = useClient();
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<"saved" | "failed" | null>(null);
  const [problems, setProblems] = useState<ProblemFragment[]>([]);

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const details = readDetails(event.currentTarget);
    setBusy(true);
    const errors = await save(details);
    setBusy(false);
    setProblems(errors ?? []);
    setSaid(errors === null || errors.length > 0 ? "failed" : "saved");
    if (errors?.length !== 0) return;
    queue.noteDetails(item.key, details);
    onSaved?.();
  }

  /** What the server found wrong; null when it could not be asked. */
  async function save(details: Details): Promise<ProblemFragment[] | null> {
    if (item.video !== null) {
      const input = { id: String(item.video), ...details };
      const { data } = await client.mutation(UpdateVideoDocument, { input }).toPromise();
      return data?.updateVideo.userErrors ?? null;
    }
    // Not announced yet: the details go along when it is.
    if (item.uploadId === null) return [];
    const input = { id: item.uploadId, ...details };
    const { data } = await client.mutation(UpdateUploadDocument, { input }).toPromise();
    return data?.updateUpload.userErrors ?? null;
  }

  return (
    <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-3">
      <DetailFields values={item} problems={problems} />
      <div className="flex items-center gap-3">
        <button type="submit" className="btn btn-quiet btn-small" disabled={busy}>
          {t("action.save")}
        </button>
        <span role="status" className={`text-sm ${said === "failed" ? "text-bad" : "text-muted"}`}>
          {said === "saved" && t("action.saved")}
          {said === "failed" && t("trouble.notSaved")}
        </span>
      </div>
    </form>
  );
}
