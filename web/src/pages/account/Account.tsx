/** One's own account: how much is stored, changing the password. */

import { problemText } from "../../ui/failures";
import { useState, type SubmitEvent } from "react";
import { useTranslation } from "../../i18n";
import { useViewer } from "../../api/hooks";
import { NetworkError, session } from "../../api/session";
import { bytes } from "../../ui/format";
import { Field, PageHead, Title } from "../../ui/parts";
import { Limits } from "./Limits";
import { Sessions } from "./Sessions";

export default function Account() {
  const { t } = useTranslation();
  const viewer = useViewer();
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<{ bad: boolean; text: string } | null>(null);
  if (!viewer) return null;

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const next = data.get("next") as string;
    if (next !== data.get("again")) return setSaid({ bad: true, text: t("password.differ") });
    setBusy(true);
    try {
      const refusal = await session.changePassword(data.get("current") as string, next);
      setSaid(refusal ? { bad: true, text: problemText(refusal) } : { bad: false, text: t("password.changed") });
      if (!refusal) form.reset();
    } catch (error) {
      setSaid({ bad: true, text: error instanceof NetworkError ? t("trouble.network") : String(error) });
    } finally {
      setBusy(false);
    }
  }

  return (
    <div className="mx-auto max-w-xl">
      <Title text={t("account.settings")} />
      <PageHead title={t("account.settings")} />
      <section className="panel mb-6 p-5">
        <h2 className="text-base">{viewer.username}</h2>
        <p className="text-sm text-muted">
          {[viewer.email, viewer.role && t(`role.${viewer.role}`)].filter(Boolean).join(" · ")}
        </p>
        {viewer.storageBytes !== null && <p className="num mt-4 text-sm">{t("account.stored", { used: bytes(viewer.storageBytes) })}</p>}
      </section>
      <Limits />
      <section className="panel mb-6 p-5" aria-labelledby="sessions">
        <h2 id="sessions" className="mb-2 text-base">
          {t("sessions.title")}
        </h2>
        <Sessions user={viewer} />
      </section>
      <section className="panel p-5">
        <h2 className="mb-3 text-base">{t("password.change")}</h2>
        <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
          <input type="text" name="username" autoComplete="username" defaultValue={viewer.username} className="hidden" readOnly tabIndex={-1} aria-hidden="true" />
          <Field label={t("password.current")}>
            {(props) => <input {...props} name="current" type="password" className="field" autoComplete="current-password" required />}
          </Field>
          <Field label={t("password.next")} hint={t("password.hint")}>
            {(props) => <input {...props} name="next" type="password" className="field" autoComplete="new-password" minLength={8} required />}
          </Field>
          <Field label={t("password.again")}>
            {(props) => <input {...props} name="again" type="password" className="field" autoComplete="new-password" minLength={8} required />}
          </Field>
          <div className="flex flex-wrap items-center gap-3">
            <button type="submit" className="btn btn-primary" disabled={busy}>
              {t("password.save")}
            </button>
            <span role="status" className={`text-sm ${said?.bad ? "font-semibold text-bad" : "text-muted"}`}>
              {said?.text}
            </span>
          </div>
          <p className="text-sm text-muted">{t("password.others")}</p>
        </form>
      </section>
    </div>
  );
}
