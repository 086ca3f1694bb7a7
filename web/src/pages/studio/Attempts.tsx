/** Every attempt at making the video, newest first. */

import { useTranslation } from "../../i18n";
import type { StudioVideoData } from "./StudioVideo";
import { failureText } from "../../ui/failures";
import { span } from "../../ui/format";
import { Ago } from "../../ui/parts";

export function Attempts({ jobs }: { jobs: StudioVideoData["jobs"] }) {
  const { t } = useTranslation();
  if (jobs.length === 0) return null;
  return (
    <section id="attempts" className="panel p-4">
      <h2 className="mb-2 text-base">{t("attempts.title")}</h2>
      <ol className="flex flex-col divide-y divide-line text-sm">
        {jobs.map((job) => (
          <li key={job.id} className="py-2.5 first:pt-0 last:pb-0">
            <p className="flex justify-between gap-2">
              <span className="font-semibold">{t(`job.${job.state}`)}</span>
              <span className="text-muted">
                <Ago at={job.createdAt} />
              </span>
            </p>
            <p className="num text-muted">
              {t("attempts.number", { n: job.attempt })}
              {job.worker && ` · ${job.worker}`}
              {job.startedAt && job.finishedAt && ` · ${span((Date.parse(job.finishedAt) - Date.parse(job.startedAt)) / 1000)}`}
            </p>
            {job.failure && <p className="mt-1 text-bad">{failureText(job.failure).message}</p>}
            {job.nextAttemptAt && (
              <p className="mt-1 text-muted">
                {t("attempts.next")} <Ago at={job.nextAttemptAt} />
              </p>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
