import type { ReactNode } from "react";

/** One number with its name. Stands in a `dl`. */
export function Stat({ name, value, bad = false }: { name: string; value: ReactNode; bad?: boolean }) {
  return (
    <div className="panel px-4 py-3">
      <dt className="text-sm text-muted">{name}</dt>
      <dd className={`num text-xl font-bold tracking-tight ${bad ? "text-bad" : ""}`}>{value}</dd>
    </div>
  );
}
