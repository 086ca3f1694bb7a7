/** What is being made and what waits; pausing it. */

import { lazy, Suspense } from "react";
import { useTranslation } from "../../i18n";
import { Link } from "react-router";
import { useMutation, useQuery, useSubscription } from "urql";
import { HostsDocument, StopJobDocument, PauseQueueDocument, QueueChangedDocument, QueueDocument, ResumeQueueDocument, SetPriorityDocument, type JobRowFragment } from "../../gql/admin/graphql";
import { usePollWhenLost } from "../../api/hooks";
import { percent, span } from "../../ui/format";
import { CloseIcon, PauseIcon, PlayIcon } from "../../ui/icons";
import { Ago, Bar, PageHead, Select, Title, Trouble } from "../../ui/parts";
import { Stat } from "./Stat";

const Throughput = lazy(() => import("./Throughput"));

export function Queue() {
  const { t } = useTranslation();
  const [{ data, error }, refetch] = useQuery({ query: QueueDocument, requestPolicy: "cache-and-network" });
  useSubscription({ query: QueueChangedDocument });
  usePollWhenLost(refetch);
  const [pausing, pause] = useMutation(PauseQueueDocument);
  const [resuming, resume] = useMutation(ResumeQueueDocument);

  if (error && !data) return <Trouble error={error} retry={() => refetch({ requestPolicy: "network-only" })} />;
  if (!data) return <div className="min-h-[60dvh]" aria-busy="true" />;
  const { queue } = data;
  const busy = pausing.fetching || resuming.fetching;

  return (
    <>
      <Title text={t("admin.tabs.queue")} />
      <PageHead title={t("admin.tabs.queue")}>
        <button type="button" className={`btn ${queue.paused ? "btn-primary" : "btn-quiet"}`} disabled={busy} onClick={() => void (queue.paused ? resume({}) : pause({}))}>
          {queue.paused ? <PlayIcon /> : <PauseIcon />}
          {queue.paused ? t("queue.resume") : t("queue.pause")}
        </button>
      </PageHead>
      <p role="status" className={queue.paused ? "mb-4 rounded-xl bg-warn-tint px-4 py-3 text-sm font-semibold text-warn" : "sr-only"}>
        {queue.paused && t("queue.paused")}
      </p>
      <dl className="mb-8 grid grid-cols-2 gap-3 md:grid-cols-4">
        <Stat name={t("queue.running")} value={`${queue.running} / ${queue.concurrency}`} />
        <Stat name={t("queue.queued")} value={String(queue.queued)} />
        <Stat name={t("queue.oldest")} value={queue.oldestQueuedAt ? <Ago at={queue.oldestQueuedAt} /> : "–"} />
        <Stat name={t("queue.failed")} value={String(queue.failed)} bad={queue.failed > 0} />
      </dl>
      <section className="panel mb-8 p-4 sm:p-5" aria-labelledby="throughput">
        <h2 id="throughput" className="mb-3 text-base">
          {t("throughput.title")}
        </h2>
        <Suspense fallback={<div className="h-[290px]" />}>
          <Throughput />
        </Suspense>
      </section>
      <h2 className="mb-3 text-lg">{t("queue.jobs")}</h2>
      {queue.jobs.length === 0 ? <p className="text-muted">{t("queue.none")}</p> : <Jobs jobs={queue.jobs} />}
    </>
  );
}

export function Jobs({ jobs }: { jobs: JobRowFragment[] }) {
  const { t } = useTranslation();
  const [stopping, stopJob] = useMutation(StopJobDocument);
  // People know their machines by name, not processes by number.
  const [{ data }] = useQuery({ query: HostsDocument });
  const hosts = new Map(data?.workers.map((worker) => [worker.id, worker.host]));
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolls sideways on a phone, so keys must reach it
    <div className="panel overflow-x-auto" tabIndex={0} role="group" aria-label={t("queue.jobs")}>
      <table className="table num">
        <thead>
          <tr>
            <th scope="col" className="w-1/2">{t("queue.video")}</th>
            <th scope="col">{t("queue.owner")}</th>
            <th scope="col">{t("rendition.state")}</th>
            <th scope="col" className="w-1/4">{t("rendition.progress")}</th>
            <th scope="col">{t("rendition.attempt")}</th>
            <th scope="col">{t("queue.worker")}</th>
            <th scope="col">{t("queue.priority")}</th>
            <th scope="col">{t("queue.since")}</th>
            <th scope="col">
              <span className="sr-only">{t("action.cancel")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => {
            const { progress } = job.video;
            return (
              <tr key={job.id}>
                <td className="min-w-48">
                  <Link to={`/studio/${job.video.number}`}>
                    <bdi>{job.video.title}</bdi>
                  </Link>
                </td>
                <td className="whitespace-nowrap">
                  <Link to={`/u/${encodeURIComponent(job.video.owner.username)}`}>{job.video.owner.username}</Link>
                </td>
                <td className="whitespace-nowrap">{t(`job.${job.state}`)}</td>
                <td>
                  {job.state === "RUNNING" ? (
                    <div className="flex min-w-40 items-center gap-3">
                      <Bar value={progress?.percent} label={t("rendition.of", { name: job.video.title })} />
                      <span className="whitespace-nowrap">
                        {percent(progress?.percent)}
                        {progress?.etaSeconds ? ` · ${span(progress.etaSeconds)}` : ""}
                      </span>
                    </div>
                  ) : progress?.queuePosition ? (
                    t("progress.position", { n: progress.queuePosition })
                  ) : (
                    "–"
                  )}
                </td>
                <td>{job.attempt}</td>
                <td className="whitespace-nowrap">{job.worker ? (hosts.get(job.worker) ?? job.worker) : "–"}</td>
                <td>{job.state === "QUEUED" ? <Priority job={job} /> : "–"}</td>
                <td className="whitespace-nowrap">
                  <Ago at={job.startedAt ?? job.createdAt} />
                </td>
                <td>
                  {job.video.canCancel && (
                    <button
                      type="button"
                      className="btn-icon btn-bare"
                      aria-label={t("queue.cancel", { title: job.video.title })}
                      title={t("action.cancel")}
                      disabled={stopping.fetching}
                      onClick={() => void stopJob({ id: job.video.id })}
                    >
                      <CloseIcon />
                    </button>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

const LEVELS = { low: -50, normal: 0, high: 50 } as const;
type Level = keyof typeof LEVELS;

/** Of equal owners, the higher priority is first. */
function Priority({ job }: { job: JobRowFragment }) {
  const { t } = useTranslation();
  const [{ fetching }, set] = useMutation(SetPriorityDocument);
  const level: Level = job.priority < 0 ? "low" : job.priority > 0 ? "high" : "normal";
  return (
    <Select
      className="w-auto! py-1! text-sm"
      aria-label={t("queue.priorityOf", { title: job.video.title })}
      value={level}
      disabled={fetching}
      onChange={(event) => void set({ input: { id: job.video.id, priority: LEVELS[event.target.value as Level] } })}
    >
      {(Object.keys(LEVELS) as Level[]).map((name) => (
        <option key={name} value={name}>
          {t(`queue.level.${name}`)}
        </option>
      ))}
    </Select>
  );
}
