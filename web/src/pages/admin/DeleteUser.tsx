/** Deleting an account, and saying what becomes of its videos. */

import { useState, type SubmitEvent } from "react";
import { useTranslation } from "../../i18n";
import { useMutation, useQuery } from "urql";
import { DeleteUserDocument, HeirsDocument, type UserRowFragment } from "../../gql/admin/graphql";
import { useSettled } from "../../api/hooks";
import { Modal } from "../../ui/Modal";
import { Field, Select } from "../../ui/parts";
import { toast } from "../../ui/toasts";
import { useDone } from "../../ui/useDone";

export function DeleteUser({ user, onClose }: { user: UserRowFragment; onClose: () => void }) {
  const { t } = useTranslation();
  const [way, setWay] = useState<"keep" | "delete" | null>(null);
  const [text, setText] = useState("");
  const [heir, setHeir] = useState("");
  const search = useSettled(text.trim(), 250);
  const [{ data }] = useQuery({ query: HeirsDocument, variables: { search: search || null }, requestPolicy: "cache-and-network" });
  const [deleting, remove] = useMutation(DeleteUserDocument);
  const { problem, run } = useDone();
  const heirs = data?.users.nodes.filter((one) => one.id !== user.id && one.active) ?? [];
  const chosen = heirs.some((one) => one.id === heir) ? heir : (heirs[0]?.id ?? "");
  const ready = way === "delete" || (way === "keep" && chosen !== "");

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    if (!ready) return;
    const input = way === "keep" ? { id: user.id, handOverTo: chosen } : { id: user.id, deleteVideos: true };
    if (await run(remove({ input }), (done) => done.deleteUser.userErrors)) {
      toast(t("users.deleted", { name: user.username }), { tone: "good" });
      onClose();
    }
  }

  return (
    <Modal title={t("users.deleteOne", { name: user.username })} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <p className="text-sm text-muted">{t("users.deleteAdvice")}</p>
        <fieldset className="flex flex-col gap-2 text-sm">
          <legend className="mb-2 font-semibold">{t("users.theirVideos")}</legend>
          <label className="flex items-center gap-2">
            <input type="radio" name="way" className="size-4 accent-accent" checked={way === "keep"} onChange={() => setWay("keep")} />
            {t("users.handOver")}
          </label>
          <label className="flex items-center gap-2">
            <input type="radio" name="way" className="size-4 accent-accent" checked={way === "delete"} onChange={() => setWay("delete")} />
            {t("users.deleteVideos")}
          </label>
        </fieldset>
        {way === "keep" && (
          <div className="flex flex-col gap-3">
            {(text !== "" || (data?.users.totalCount ?? 0) > 20) && (
              <input type="search" className="field text-sm" aria-label={t("users.search")} placeholder={t("users.search")} value={text} onChange={(event) => setText(event.target.value)} />
            )}
            <Field label={t("users.heir")}>
              {(props) => (
                <Select {...props} value={chosen} onChange={(event) => setHeir(event.target.value)} disabled={heirs.length === 0}>
                  {heirs.map((one) => (
                    <option key={one.id} value={one.id}>
                      {one.username}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
          </div>
        )}
        <p role="alert" className="text-sm font-semibold text-bad empty:hidden">
          {problem}
        </p>
        <div className="flex justify-end gap-2">
          <button type="button" className="btn btn-quiet" onClick={onClose}>
            {t("action.back")}
          </button>
          <button type="submit" className="btn btn-bad" disabled={!ready || deleting.fetching}>
            {t("users.deleteNow")}
          </button>
        </div>
      </form>
    </Modal>
  );
}
