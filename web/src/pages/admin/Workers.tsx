/** Machines that make videos, their graphics cards, and the encoders found there: also those that do not work, and why. */

import { useTranslation } from "../../i18n";
import { useQuery, useSubscription } from "urql";
import { WorkerChangedDocument, WorkersDocument, type WorkersQuery } from "../../gql/admin/graphql";
import { usePollWhenLost } from "../../api/hooks";
import { Ago, Empty, PageHead, Title, Trouble } from "../../ui/parts";
import { Cards } from "./Cards";

export default function Workers() {
  const { t } = useTranslation();
  const [{ data, error }, refetch] = useQuery({ query: WorkersDocument, requestPolicy: "cache-and-network" });
  useSubscription({ query: WorkerChangedDocument });
  usePollWhenLost(refetch);
  if (error && !data) return <Trouble error={error} retry={() => refetch({ requestPolicy: "network-only" })} />;
  if (!data) return <div className="min-h-[60dvh]" aria-busy="true" />;
  return (
    <>
      <Title text={t("admin.tabs.workers")} />
      <PageHead title={t("admin.tabs.workers")} />
      {data.workers.length === 0 ? (
        <Empty title={t("workers.none")}>{t("workers.noneAdvice")}</Empty>
      ) : (
        <ul className="mb-10 grid gap-4 md:grid-cols-2">
          {data.workers.map((worker) => (
            <Worker key={worker.id} worker={worker} />
          ))}
        </ul>
      )}
      <h2 className="mb-3 text-lg">{t("encoders.title")}</h2>
      <ul className="grid gap-4 md:grid-cols-2 xl:grid-cols-3">
        {data.encoders.map((encoder) => (
          <Encoder key={`${encoder.host} ${encoder.id}`} encoder={encoder} />
        ))}
      </ul>
    </>
  );
}

function Worker({ worker }: { worker: WorkersQuery["workers"][number] }) {
  const { t } = useTranslation();
  return (
    <li className="panel p-4">
      <div className="flex flex-wrap items-center gap-2">
        <h2 className="mr-auto text-base">{worker.host}</h2>
        <span className={`chip ${worker.draining ? "bg-warn-tint text-warn" : "bg-tint text-ok"}`}>
          {worker.draining ? t("workers.draining") : t("workers.alive")}
        </span>
      </div>
      <div className="my-3 flex gap-1" role="img" aria-label={t("workers.slots", { busy: worker.busy, slots: worker.slots })}>
        {Array.from({ length: worker.slots }, (_, slot) => (
          <span key={slot} className={`h-2 flex-1 rounded-full ${slot < worker.busy ? "bg-accent" : "bg-sunken"}`} />
        ))}
      </div>
      <p className="num text-sm text-muted">
        {t("workers.slots", { busy: worker.busy, slots: worker.slots })} · {worker.encoders.join(", ")} · {worker.version}
      </p>
      <p className="text-sm text-muted">
        {t("workers.started")} <Ago at={worker.startedAt} /> · {t("workers.seen")} <Ago at={worker.lastSeenAt} />
      </p>
      <Cards cards={worker.cards} />
    </li>
  );
}

function Encoder({ encoder }: { encoder: WorkersQuery["encoders"][number] }) {
  const { t } = useTranslation();
  return (
    <li className="panel flex flex-col gap-1.5 p-4" data-encoder={encoder.id}>
      <div className="flex flex-wrap items-center gap-2">
        <h2 className="mr-auto text-base">{encoder.label}</h2>
        {encoder.preferred && <span className="chip bg-sunken text-ink">{t("encoders.preferred")}</span>}
        <span className={`chip ${encoder.works ? "bg-tint text-ok" : "bg-bad-tint text-bad"}`}>
          {encoder.works ? t("encoders.works") : t("encoders.broken")}
        </span>
      </div>
      <p className="text-sm text-muted">
        {encoder.kind} · <code>{encoder.element}</code> · {encoder.host}
      </p>
      {encoder.reason && <p className="text-sm">{encoder.reason}</p>}
      {encoder.advice && <Advice text={encoder.advice} />}
    </li>
  );
}

/** A sentence of the server, in which words to type stand between backticks. */
function Advice({ text }: { text: string }) {
  const [first = "", ...rest] = text;
  const parts = (first.toUpperCase() + rest.join("")).split("`");
  return (
    <p className="text-sm text-muted">
      {parts.map((part, index) => (index % 2 === 1 ? <code key={index} className="rounded bg-sunken px-1 py-0.5 text-xs whitespace-nowrap text-ink">{part}</code> : part))}
    </p>
  );
}
