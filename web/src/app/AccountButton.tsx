/** The round button with one's initial; the menu's code is loaded with its first use. */

import { lazy, Suspense, useState } from "react";
import { useTranslation } from "../i18n";
import { useViewer } from "../api/hooks";

const load = () => import("./AccountMenu");
const AccountMenu = lazy(load);

export const INITIAL = "grid size-9 shrink-0 place-items-center rounded-full bg-tint text-sm font-bold text-accent uppercase";

export function AccountButton() {
  const { t } = useTranslation();
  const viewer = useViewer();
  const [wanted, setWanted] = useState(false);
  if (!viewer) return null;
  const button = (
    <button
      type="button"
      className={INITIAL}
      aria-haspopup="menu"
      aria-label={t("account.menu", { name: viewer.username })}
      onPointerEnter={() => void load()}
      onClick={() => setWanted(true)}
    >
      <span aria-hidden="true">{Array.from(viewer.username)[0] ?? "?"}</span>
    </button>
  );
  return wanted ? (
    <Suspense fallback={button}>
      <AccountMenu />
    </Suspense>
  ) : (
    button
  );
}
