/** The form for title, description and visibility. */

import { useState, type SubmitEvent } from "react";
import { useTranslation } from "react-i18next";
import { useMutation } from "urql";
import { UpdateVideoDocument, type ProblemFragment } from "../../gql/graphql";
import { DetailFields, readDetails } from "../../ui/DetailFields";
import type { StudioVideoData } from "./StudioVideo";

export function Details({ video }: { video: StudioVideoData }) {
  const { t } = useTranslation();
  const [{ fetching }, update] = useMutation(UpdateVideoDocument);
  const [said, setSaid] = useState<"saved" | "failed" | null>(null);
  const [problems, setProblems] = useState<ProblemFragment[]>([]);

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const { data } = await update({ input: { id: video.id, ...readDetails(event.currentTarget) } });
    const found = data?.updateVideo.userErrors ?? [];
    setProblems(found);
    setSaid(data && found.length === 0 ? "saved" : "failed");
  }

  return (
    <section className="panel p-4 sm:p-5">
      <h2 className="mb-3 text-base">{t("details.heading")}</h2>
      <form onSubmit={(event) => void submit(event)} onChange={() => setSaid(null)} className="flex flex-col gap-4">
        <DetailFields values={video} problems={problems} />
        <div className="flex items-center gap-3">
          <button type="submit" className="btn btn-primary" disabled={fetching}>
            {t("action.save")}
          </button>
          <span role="status" className={`text-sm ${said === "failed" ? "text-bad" : "text-muted"}`}>
            {said === "saved" && t("action.saved")}
            {said === "failed" && t("trouble.notSaved")}
          </span>
        </div>
      </form>
    </section>
  );
}
