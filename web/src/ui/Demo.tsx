/** Says what kind of server this is, where everybody knows the password. The server marks its documents. */

import { useTranslation } from "../i18n";

export function Demo({ className = "" }) {
  const { t } = useTranslation();
  if (!("demo" in document.documentElement.dataset)) return null;
  return (
    <div role="region" aria-label={t("signIn.demoLabel")} className={className}>
      <p role="note" className="bg-black px-3 py-1 text-center text-sm text-white">
        {t("signIn.demo")}
      </p>
    </div>
  );
}
