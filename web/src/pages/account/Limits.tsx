/** What one may take, and has taken. */

import "./texts";
import { useTranslation } from "../../i18n";
import { useQuery } from "urql";
import { MyLimitsDocument } from "../../gql/graphql";
import { bytes } from "../../ui/format";
import { Bar } from "../../ui/parts";

const NAMES = ["bytes", "minutesADay", "uploads", "waiting"] as const;

export function Limits() {
  const { t } = useTranslation();
  const [{ data }] = useQuery({ query: MyLimitsDocument, requestPolicy: "cache-and-network" });
  const limits = data?.viewer?.limits;
  if (!limits) return null;
  const set = NAMES.filter((name) => limits[name].limit !== null);
  if (set.length === 0) return null;
  return (
    <section className="panel mb-6 p-5" aria-labelledby="limits">
      <h2 id="limits" className="mb-3 text-base">
        {t("limits.title")}
      </h2>
      <ul className="flex flex-col gap-3">
        {set.map((name) => {
          const { limit, taken } = limits[name];
          const shown = (n: number | null) => (name === "bytes" ? bytes(n) : String(n));
          return (
            <li key={name}>
              <p className="num mb-1.5 flex flex-wrap justify-between gap-x-3 text-sm">
                <span>{t(`limits.${name}`)}</span>
                <span className="text-muted">{t("limits.of", { taken: shown(taken), limit: shown(limit) })}</span>
              </p>
              <Bar value={limit ? Math.min(100, (taken / limit) * 100) : 100} label={t(`limits.${name}`)} />
            </li>
          );
        })}
      </ul>
    </section>
  );
}
