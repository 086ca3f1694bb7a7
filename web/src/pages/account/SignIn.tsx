/** Signing in; and, while the documented default password stands, changing it. */

import { useState, type SubmitEvent } from "react";
import { useTranslation } from "react-i18next";
import { Link, Navigate, useLocation, useNavigate } from "react-router";
import { useQuery } from "urql";
import { ServerInfoDocument } from "../../gql/graphql";
import { useSession } from "../../api/hooks";
import { NetworkError, session, type Refusal } from "../../api/session";
import { Field, Title } from "../../ui/parts";
import { Logo } from "../../ui/Logo";

export default function SignIn() {
  const { t } = useTranslation();
  const state = useSession();
  const { state: passed } = useLocation() as { state: { from?: string } | null };
  const [known, setKnown] = useState("");
  const must = state.viewer?.mustChangePassword === true;
  if (state.viewer && !must) return <Navigate to={passed?.from ?? "/"} replace />;

  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <div className="w-full max-w-sm">
        <Link to="/" className="mb-6 flex items-center justify-center gap-2 no-underline" aria-label={t("nav.home")}>
          <Logo />
          <span className="text-xl font-bold tracking-[-0.03em]">Clipsy</span>
        </Link>
        <div className="panel p-6 sm:p-8">
          {must ? <NewPassword known={known} /> : <Credentials onPassword={setKnown} />}
        </div>
      </div>
    </main>
  );
}

function Credentials({ onPassword }: { onPassword: (password: string) => void }) {
  const { t } = useTranslation();
  const [{ data }] = useQuery({ query: ServerInfoDocument });
  const { busy, problem, send } = useSend();

  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const password = form.get("password") as string;
    onPassword(password);
    void send(() => session.signIn((form.get("username") as string).trim(), password));
  }

  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Title text={t("signIn.title")} />
      <h1 className="text-xl">{t("signIn.title")}</h1>
      {data?.serverInfo.defaultPasswordActive && (
        <p className="rounded-xl bg-tint px-3 py-2 text-sm">{t("signIn.firstRun")}</p>
      )}
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

/** The step after the first sign-in: nobody keeps a password that stands in the manual. */
function NewPassword({ known }: { known: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { busy, problem, send, setProblem } = useSend();

  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const next = form.get("next") as string;
    if (next !== form.get("again")) return setProblem(t("password.differ"));
    const current = known || (form.get("current") as string);
    void send(() => session.changePassword(current, next));
  }

  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Title text={t("password.choose")} />
      <h1 className="text-xl">{t("password.choose")}</h1>
      <p className="text-sm text-muted">{t("password.why")}</p>
      {!known && (
        <Field label={t("password.current")}>
          {(props) => <input {...props} name="current" type="password" className="field" autoComplete="current-password" required />}
        </Field>
      )}
      <Field label={t("password.next")} hint={t("password.hint")}>
        {(props) => (
          // eslint-disable-next-line jsx-a11y/no-autofocus -- the page has one purpose
          <input {...props} name="next" type="password" className="field" autoComplete="new-password" minLength={8} required autoFocus={known !== ""} />
        )}
      </Field>
      <Field label={t("password.again")}>
        {(props) => <input {...props} name="again" type="password" className="field" autoComplete="new-password" minLength={8} required />}
      </Field>
      {problem && <p role="alert" className="text-sm font-semibold text-bad">{problem}</p>}
      <button type="submit" className="btn btn-primary" disabled={busy}>
        {t("password.save")}
      </button>
      <button type="button" className="btn btn-bare" onClick={() => void session.signOut().finally(() => void navigate("/"))}>
        {t("account.signOut")}
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
      if (refusal) setProblem(refusal.message);
    } catch (error) {
      setProblem(error instanceof NetworkError ? t("trouble.network") : error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  }
  return { busy, problem, send, setProblem };
}
