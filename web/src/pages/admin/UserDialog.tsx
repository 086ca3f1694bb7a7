/** Adding a person, or changing one. */

import type { SubmitEvent } from "react";
import { problemText } from "../../ui/failures";
import { useState } from "react";
import { useTranslation } from "../../i18n";
import { useMutation } from "urql";
import { CreateUserDocument, SetUserLimitsDocument, UpdateUserDocument, type ProblemFragment, type Role, type UserRowFragment } from "../../gql/admin/graphql";
import { useViewer } from "../../api/hooks";
import { Modal } from "../../ui/Modal";
import { TrashIcon } from "../../ui/icons";
import { Field, Select } from "../../ui/parts";
import { Sessions } from "../account/Sessions";

const LIMITS = ["bytes", "minutesADay", "uploads", "waiting"] as const;
type Limit = (typeof LIMITS)[number];
const GB = 1e9;

/** What was set for this account, if anything was. */
function ownLimit(user: UserRowFragment, name: Limit): number | null {
  const limit = user.limits?.[name];
  return limit?.own ? limit.limit : null;
}

const shown = (limit: number | null, name: Limit) => (limit === null ? "" : String(name === "bytes" ? limit / GB : limit));
const entered = (text: string, name: Limit) => (text === "" ? null : name === "bytes" ? Math.round(Number(text) * GB) : Number(text));

export function UserDialog({ user, onClose, onDelete }: { user: UserRowFragment | null; onClose: () => void; onDelete: (user: UserRowFragment) => void }) {
  const { t } = useTranslation();
  const viewer = useViewer();
  const [creating, create] = useMutation(CreateUserDocument);
  const [updating, update] = useMutation(UpdateUserDocument);
  const [limiting, setLimits] = useMutation(SetUserLimitsDocument);
  const [problems, setProblems] = useState<ProblemFragment[]>([]);
  const myself = user !== null && user.id === viewer?.id;
  const problem = (field: string) => {
    const found = problems.find((one) => one.field?.at(-1) === field);
    return found && problemText(found);
  };
  const other = problems.find((one) => !["username", "email", "password", "role", "active", ...LIMITS].includes(one.field?.at(-1) ?? ""));

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => (form.get(name) as string | null)?.trim() ?? "";
    const role = (form.get("role") ?? user?.role ?? "USER") as Role;
    const password = (form.get("password") as string | null) ?? "";
    let found: ProblemFragment[] | undefined;
    if (user) {
      const active = myself ? undefined : form.get("active") === "on";
      const input = { id: user.id, email: text("email"), role, ...(password ? { password } : {}), ...(active === undefined ? {} : { active }) };
      found = (await update({ input })).data?.updateUser.userErrors;
      if (found?.length === 0 && user.limits) {
        const wanted = Object.fromEntries(LIMITS.map((name) => [name, entered(text(name), name)]));
        const changed = LIMITS.some((name) => wanted[name] !== ownLimit(user, name));
        if (changed) found = (await setLimits({ input: { id: user.id, ...wanted } })).data?.setUserLimits.userErrors;
      }
    } else {
      const input = { username: text("username"), password, role, ...(text("email") ? { email: text("email") } : {}) };
      found = (await create({ input })).data?.createUser.userErrors;
    }
    setProblems(found ?? [{ code: "unknown", message: t("trouble.notSaved"), field: null }]);
    if (found?.length === 0) onClose();
  }

  return (
    <Modal title={user ? t("users.editOne", { name: user.username }) : t("users.add")} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        {!user && (
          <Field label={t("users.name")} error={problem("username")}>
            {(props) => <input {...props} name="username" className="field" required autoCapitalize="none" autoComplete="off" spellCheck={false} />}
          </Field>
        )}
        <Field label={t("account.email")} error={problem("email")}>
          {(props) => <input {...props} name="email" type="email" className="field" autoComplete="off" defaultValue={user?.email ?? ""} />}
        </Field>
        <Field label={user ? t("users.newPassword") : t("signIn.password")} hint={user ? t("users.keepPassword") : t("password.hint")} error={problem("password")}>
          {(props) => <input {...props} name="password" type="password" className="field" autoComplete="new-password" minLength={8} required={!user} />}
        </Field>
        <Field label={t("users.role")} hint={myself ? t("users.notMyself") : undefined} error={problem("role")}>
          {(props) => (
            <Select {...props} name="role" defaultValue={user?.role ?? "USER"} disabled={myself}>
              {(["USER", "ADMIN"] as const).map((role) => (
                <option key={role} value={role}>
                  {t(`role.${role}`)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {user && !myself && (
          <label className="flex items-center gap-2 text-sm">
            <input type="checkbox" name="active" className="size-4 accent-accent" defaultChecked={user.active !== false} />
            {t("users.maySignIn")}
          </label>
        )}
        {user?.limits && (
          <fieldset className="rounded-xl border border-line p-4">
            <legend className="px-1 text-sm font-semibold">{t("users.limits")}</legend>
            <p className="mb-3 text-sm text-muted">{t("users.limitsHint")}</p>
            <div className="grid gap-3 sm:grid-cols-2">
              {LIMITS.map((name) => (
                <Field key={name} label={t(`users.limit.${name}`)} error={problem(name)}>
                  {(props) => (
                    <input
                      {...props}
                      name={name}
                      type="number"
                      className="field num"
                      min={0}
                      step={name === "bytes" ? "any" : 1}
                      defaultValue={shown(ownLimit(user, name), name)}
                      placeholder={shown(user.limits?.[name].limit ?? null, name)}
                    />
                  )}
                </Field>
              ))}
            </div>
          </fieldset>
        )}
        {other && (
          <p role="alert" className="text-sm font-semibold text-bad">
            {problemText(other)}
          </p>
        )}
        {user && (
          <details className="rounded-xl border border-line px-4 py-3">
            <summary className="text-sm font-semibold">{t("sessions.title")}</summary>
            <div className="mt-2">
              <Sessions user={user} />
            </div>
          </details>
        )}
        <div className="flex flex-wrap justify-end gap-2">
          {user && !myself && (
            <button type="button" className="btn btn-bad mr-auto" onClick={() => onDelete(user)}>
              <TrashIcon />
              {t("users.delete")}
            </button>
          )}
          <button type="button" className="btn btn-quiet" onClick={onClose}>
            {t("action.back")}
          </button>
          <button type="submit" className="btn btn-primary" disabled={creating.fetching || updating.fetching || limiting.fetching}>
            {t("action.save")}
          </button>
        </div>
      </form>
    </Modal>
  );
}
