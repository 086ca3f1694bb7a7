/** Signing in. */

import { problemText } from "../../ui/failures";
import { useState, type SubmitEvent } from "react";
import { useTranslation } from "../../i18n";
import { Link, Navigate, useLocation } from "react-router";
import { useSession } from "../../api/hooks";
import { NetworkError, session, type Refusal } from "../../api/session";
import { Field, Title } from "../../ui/parts";
import { Logo } from "../../ui/Logo";

export default function SignIn() {
  const { t } = useTranslation();
  const state = useSession();
  const { state: passed } = useLocation() as { state: { from?: string } | null };
  if (state.viewer) return <Navigate to={passed?.from ?? "/"} replace />;

  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <div className="w-full max-w-sm">
        <Link to="/" className="mb-6 flex items-center justify-center gap-2 no-underline" aria-label={t("nav.home")}>
          <Logo />
          <span className="text-xl font-bold tracking-[-0.03em]">Clipsy</span>
        </Link>
        <div className="panel p-6 sm:p-8">
          <Credentials />
        </div>
      </div>
    </main>
  );
}

function Credentials() {
  const { t } = useTranslation();
  const { busy, problem, send } = useSend();

  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    void send(() => session.signIn((form.get("username") as string).trim(), form.get("password") as string));
  }

  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Title text={t("signIn.title")} />
      <h1 className="text-xl">{t("signIn.title")}</h1>
      <Field label={t("signIn.username")}>
        {(props) => (
          // eslint-disable-next-line jsx-a11y/no-autofocus -- the page has one purpose
          <input {...props} name="username" className="field" autoComplete="username" autoCapitalize="none" spellCheck={false} required autoFocus />
        )}
      </Field>
      <Field label={t("signIn.password")}>
        {(props) => <input {...props} name="password" type="password" className="field" autoComplete="current-password" required />}
      </Field>
      {problem && <p role="alert" className="text-sm font-semibold text-bad">{problem}</p>}
      <button type="submit" className="btn btn-primary" disabled={busy}>
        {busy ? t("signIn.busy") : t("nav.signIn")}
      </button>
    </form>
  );
}

/** Sends something once and turns what goes wrong into a sentence. */
function useSend() {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  async function send(task: () => Promise<Refusal>) {
    setBusy(true);
    setProblem(null);
    try {
      const refusal = await task();
      if (refusal) setProblem(problemText(refusal));
    } catch (error) {
      setProblem(error instanceof NetworkError ? t("trouble.network") : error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  }
  return { busy, problem, send };
}
