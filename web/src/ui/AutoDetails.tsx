/** What a video is called, what is said of it and who may see it; saves itself, and can be taken back. */

import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "../i18n";
import type { ProblemFragment, Visibility } from "../gql/graphql";
import { CheckIcon, WarnIcon } from "./icons";
import { problemText } from "./failures";
import { Field, Select } from "./parts";

export interface DetailValues {
  title: string;
  description: string;
  visibility: Visibility;
}

export const VISIBILITIES: Visibility[] = ["PRIVATE", "UNLISTED", "PUBLIC"];

/** A pause in typing after which it is saved, in milliseconds. */
const PAUSE_MS = 900;
/** Between tries while it cannot be saved, in milliseconds. */
const AGAIN_MS = 4_000;

interface Props {
  values: DetailValues;
  /** What the server found wrong; null when it could not be asked. */
  save: (values: DetailValues) => Promise<readonly ProblemFragment[] | null>;
}

export function AutoDetails({ values, save }: Props) {
  const { t } = useTranslation();
  const { draft, change, state, problems, undo } = useAutosave(values, save);
  const problem = (field: string) => {
    if (field === "title" && draft.title.trim() === "") return t("details.noTitle");
    const found = problems.find((one) => one.field?.at(-1) === field);
    return found && problemText(found);
  };
  return (
    <div className="flex flex-col gap-4">
      <Field label={t("details.title")} error={problem("title")}>
        {(props) => (
          <input {...props} className="field" dir="auto" value={draft.title} required maxLength={255} onChange={(event) => change({ title: event.target.value })} />
        )}
      </Field>
      <Field label={t("details.description")} error={problem("description")}>
        {(props) => (
          <textarea
            {...props}
            className="field min-h-20"
            dir="auto"
            rows={3}
            maxLength={50_000}
            value={draft.description}
            onChange={(event) => change({ description: event.target.value })}
          />
        )}
      </Field>
      <Field label={t("details.visibility")} error={problem("visibility")}>
        {(props) => (
          <Select {...props} value={draft.visibility} onChange={(event) => change({ visibility: event.target.value as Visibility }, 0)}>
            {VISIBILITIES.map((one) => (
              <option key={one} value={one}>
                {t(`visibility.${one}`)} – {t(`visibilityHint.${one}`)}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <div className="flex min-h-8 items-center gap-2 text-sm">
        <span role="status" className={`inline-flex items-center gap-1.5 ${state === "failed" ? "font-semibold text-bad" : "text-muted"}`}>
          {state === "saved" && <CheckIcon width="16" height="16" className="text-ok" />}
          {state === "failed" && <WarnIcon width="16" height="16" />}
          {state === "idle" ? t("details.savesItself") : state === "failed" ? t("trouble.notSaved") : state === "saved" ? t("action.saved") : t("details.saving")}
        </span>
        {undo && (
          <button type="button" className="btn btn-bare btn-small underline" onClick={undo}>
            {t("action.undo")}
          </button>
        )}
      </div>
    </div>
  );
}

type State = "idle" | "saving" | "saved" | "failed";

function useAutosave({ title, description, visibility }: DetailValues, save: Props["save"]) {
  // Of whatever it is that has these, these.
  const values = { title, description, visibility };
  const [draft, setDraft] = useState(values);
  const [state, setState] = useState<State>("idle");
  const [problems, setProblems] = useState<readonly ProblemFragment[]>([]);
  // What the server has, and what it had before: to that Undo goes.
  const [kept, setKept] = useState(values);
  const [before, setBefore] = useState<DetailValues | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const now = useRef({ draft, kept, save });
  const again = useRef<() => void>(() => undefined);
  useEffect(() => {
    now.current = { draft, kept, save };
  });

  // Somebody changed it elsewhere: taken over unless there is something of one's own.
  if (!same(values, kept) && same(draft, kept) && state !== "saving") {
    setKept(values);
    setDraft(values);
  }

  const send = useCallback(async (wanted: DetailValues, undoable: boolean): Promise<void> => {
    clearTimeout(timer.current);
    const { kept: had } = now.current;
    const tidy = { ...wanted, title: wanted.title.trim() };
    if (tidy.title === "" || same(tidy, had)) return setState((old) => (old === "saving" ? "idle" : old));
    setState("saving");
    const found = await now.current.save(tidy);
    setProblems(found ?? []);
    if (found?.length !== 0) {
      setState("failed");
      // Nobody has to press anything when the server is back.
      if (found === null) timer.current = setTimeout(() => again.current(), AGAIN_MS);
      return;
    }
    setKept(tidy);
    setBefore(undoable ? had : null);
    setState("saved");
  }, []);

  useEffect(() => {
    again.current = () => void send(now.current.draft, true);
  }, [send]);

  const change = useCallback(
    (patch: Partial<DetailValues>, pause = PAUSE_MS) => {
      const next = { ...now.current.draft, ...patch };
      now.current = { ...now.current, draft: next };
      setDraft(next);
      setState("saving");
      clearTimeout(timer.current);
      timer.current = setTimeout(() => void send(now.current.draft, true), pause);
    },
    [send],
  );

  // A page that is left saves what was typed; one that is closed asks first.
  useEffect(() => {
    const unsaved = () => !same({ ...now.current.draft, title: now.current.draft.title.trim() }, now.current.kept);
    const leaving = (event: BeforeUnloadEvent) => {
      if (!unsaved()) return;
      void send(now.current.draft, true);
      event.preventDefault();
    };
    addEventListener("beforeunload", leaving);
    return () => {
      removeEventListener("beforeunload", leaving);
      clearTimeout(timer.current);
      const { draft: last, save: finish } = now.current;
      if (unsaved() && last.title.trim() !== "") void finish({ ...last, title: last.title.trim() });
    };
  }, [send]);

  const undo =
    state === "saved" && before
      ? () => {
          setDraft(before);
          now.current = { ...now.current, draft: before };
          void send(before, false);
        }
      : null;
  return { draft, change, state, problems, undo };
}

function same(a: DetailValues, b: DetailValues): boolean {
  return a.title === b.title && a.description === b.description && a.visibility === b.visibility;
}
