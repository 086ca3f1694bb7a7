/** The renditions of a video at a glance: one rung each, filled as far as it is. */

import { useTranslation } from "../i18n";
import type { RenditionLiveFragment } from "../gql/graphql";
import { percent } from "./format";

type Rung = Pick<RenditionLiveFragment, "id" | "name" | "state" | "percent">;

export function Ladder({ renditions, className = "" }: { renditions: Rung[]; className?: string }) {
  const { t } = useTranslation();
  if (renditions.length === 0) return null;
  const said = renditions.map((rung) => `${rung.name} ${word(rung)}`).join(", ");

  function word(rung: Rung): string {
    if (rung.state === "RUNNING" && rung.percent !== null) return percent(rung.percent);
    return t(`rendition.${rung.state}`);
  }

  return (
    <span role="img" aria-label={said} className={`flex flex-col gap-1 ${className}`}>
      {renditions.map((rung) => (
        <span key={rung.id} className="flex items-center gap-2">
          <span className="num w-10 text-right text-[0.68rem] leading-3 font-semibold opacity-90">{rung.name}</span>
          <span data-track className="relative h-1.5 flex-1 overflow-hidden rounded-full bg-[color-mix(in_srgb,currentColor_26%,transparent)]">
            <span
              data-fill
              className="absolute inset-y-0 left-0 rounded-full transition-[width] duration-300"
              style={{ width: `${fill(rung)}%`, background: rung.state === "FAILED" ? "var(--bad)" : "currentColor" }}
            />
          </span>
        </span>
      ))}
    </span>
  );
}

function fill(rung: Rung): number {
  if (rung.state === "DONE" || rung.state === "FAILED") return 100;
  return rung.state === "RUNNING" ? Math.min(99, rung.percent ?? 0) : 0;
}
