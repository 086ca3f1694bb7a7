/** Where an account is signed in, and how to end that. */

import "./texts";
import { useTranslation } from "../../i18n";
import { useMutation, useQuery } from "urql";
import { EndSessionDocument, EndSessionsDocument, UserSessionsDocument } from "../../gql/graphql";
import { Ago } from "../../ui/parts";
import { useDone } from "../../ui/useDone";
import { deviceName } from "./device";

export function Sessions({ user }: { user: { id: string; username: string } }) {
  const { t } = useTranslation();
  const [{ data }, refetch] = useQuery({ query: UserSessionsDocument, variables: { id: user.id }, requestPolicy: "cache-and-network" });
  const [ending, end] = useMutation(EndSessionDocument);
  const [endingAll, endAll] = useMutation(EndSessionsDocument);
  const { problem, run } = useDone();
  const sessions = (data?.node && "sessions" in data.node ? data.node.sessions : null) ?? [];
  const others = sessions.filter((one) => !one.current);
  const busy = ending.fetching || endingAll.fetching;
  const again = () => refetch({ requestPolicy: "network-only" });

  return (
    <>
      {sessions.length === 0 && <p className="text-sm text-muted">{data ? t("sessions.none") : ""}</p>}
      <ul className="flex flex-col" aria-label={t("sessions.of", { name: user.username })}>
        {sessions.map((one) => {
          const name = deviceName(one.device) || t("sessions.unknown");
          return (
            <li key={one.id} data-session={one.current ? "current" : "other"} className="flex flex-wrap items-center gap-x-3 gap-y-1 border-t border-line py-2.5 text-sm first:border-t-0">
              <span className="mr-auto min-w-0">
                <bdi className="font-semibold" title={one.device || undefined}>
                  {name}
                </bdi>
                {one.current && <span className="chip ml-2 bg-tint text-ok">{t("sessions.current")}</span>}
                <span className="block text-muted">
                  {t("sessions.used")} <Ago at={one.usedAt} /> · {t("sessions.since")} <Ago at={one.startedAt} />
                </span>
              </span>
              {!one.current && (
                <button
                  type="button"
                  className="btn btn-quiet btn-small"
                  aria-label={t("sessions.endOne", { name })}
                  disabled={busy}
                  onClick={() => void run(end({ id: one.id }), (done) => done.endSession.userErrors).then(again)}
                >
                  {t("sessions.end")}
                </button>
              )}
            </li>
          );
        })}
      </ul>
      {others.length > 1 && (
        <button type="button" className="btn btn-quiet btn-small mt-2" disabled={busy} onClick={() => void run(endAll({ userId: user.id }), (done) => done.endSessions.userErrors).then(again)}>
          {others.length < sessions.length ? t("sessions.endOthers") : t("sessions.endAll")}
        </button>
      )}
      <p role="alert" className="mt-2 text-sm font-semibold text-bad empty:hidden">
        {problem}
      </p>
    </>
  );
}
