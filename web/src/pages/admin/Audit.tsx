/** Who did what, the latest first. */

import { useState } from "react";
import { useTranslation } from "../../i18n";
import { useQuery } from "urql";
import { AuditDocument } from "../../gql/admin/graphql";
import { Ago, Empty, PageHead, Title, Trouble } from "../../ui/parts";

const PAGE = 50;

export function Audit() {
  const { t } = useTranslation();
  const [pages, setPages] = useState<(string | null)[]>([null]);
  return (
    <>
      <Title text={t("admin.tabs.audit")} />
      <PageHead title={t("admin.tabs.audit")} />
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolls sideways on a phone, so keys must reach it */}
      <div className="panel overflow-x-auto" tabIndex={0} role="group" aria-label={t("admin.tabs.audit")}>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{t("audit.at")}</th>
              <th scope="col">{t("audit.actor")}</th>
              <th scope="col">{t("audit.action")}</th>
              <th scope="col">{t("audit.target")}</th>
              <th scope="col">{t("audit.detail")}</th>
            </tr>
          </thead>
          {pages.map((before, index) => (
            <Entries key={before ?? "first"} before={before} onMore={index === pages.length - 1 ? (last) => setPages([...pages, last]) : undefined} />
          ))}
        </table>
      </div>
    </>
  );
}

function Entries({ before, onMore }: { before: string | null; onMore?: ((last: string) => void) | undefined }) {
  const { t } = useTranslation();
  const [{ data, error }, refetch] = useQuery({ query: AuditDocument, variables: { first: PAGE, before }, requestPolicy: "cache-and-network" });
  const entries = data?.audit ?? [];
  const last = entries.at(-1)?.id;
  return (
    <tbody>
      {error && !data && (
        <tr>
          <td colSpan={5}>
            <Trouble error={error} retry={() => refetch({ requestPolicy: "network-only" })} />
          </td>
        </tr>
      )}
      {data && entries.length === 0 && before === null && (
        <tr>
          <td colSpan={5}>
            <Empty part title={t("audit.empty")} />
          </td>
        </tr>
      )}
      {entries.map((one) => (
        <tr key={one.id} data-action={one.action}>
          <td className="whitespace-nowrap text-muted">
            <Ago at={one.at} />
          </td>
          <td className="whitespace-nowrap">{one.actor || "–"}</td>
          <td className="whitespace-nowrap">{t(`audit.actions.${one.action as "delete_video"}`, { defaultValue: one.action })}</td>
          <td className="max-w-72 truncate" title={one.target}>
            <bdi>{one.target}</bdi>
          </td>
          <td className="text-muted">{one.detail}</td>
        </tr>
      ))}
      {onMore && last && entries.length === PAGE && (
        <tr>
          <td colSpan={5} className="text-center">
            <button type="button" className="btn btn-quiet" onClick={() => onMore(last)}>
              {t("library.more")}
            </button>
          </td>
        </tr>
      )}
    </tbody>
  );
}
