/** The graphics cards of a worker's machine: how many sessions are open, and what their drivers tell. */

import { useTranslation } from "../../i18n";
import type { WorkerFieldsFragment } from "../../gql/admin/graphql";
import { bytes, percent } from "../../ui/format";

type Card = WorkerFieldsFragment["cards"][number];

/** Nothing where there are none. */
export function Cards({ cards }: { cards: Card[] }) {
  const { t } = useTranslation();
  if (cards.length === 0) return null;
  return (
    <ul className="mt-3 flex flex-col gap-2 border-t border-line pt-3 text-sm" aria-label={t("workers.cards")}>
      {cards.map((card) => (
        <li key={card.id} data-card={card.name} title={card.name}>
          <span className="font-semibold">{card.label}</span>
          <span className="num block text-muted">{describe(card)}</span>
        </li>
      ))}
    </ul>
  );

  function describe(card: Card): string {
    const { sessions: count, sessionLimit: limit } = card;
    const share = (load: number) => percent(load, load >= 100);
    const parts = [
      limit === null ? t("workers.sessions", { count }) : t("workers.sessionsOf", { count, limit }),
      card.encoderLoad !== null && t("workers.encoderLoad", { share: share(card.encoderLoad) }),
      card.decoderLoad !== null && t("workers.decoderLoad", { share: share(card.decoderLoad) }),
      card.load !== null && t("workers.load", { share: share(card.load) }),
      card.memoryUsedBytes !== null && card.memoryBytes !== null && t("workers.memory", { used: bytes(card.memoryUsedBytes), all: bytes(card.memoryBytes) }),
    ];
    return parts.filter(Boolean).join(" · ");
  }
}
