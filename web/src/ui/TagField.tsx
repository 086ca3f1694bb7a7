/** What a video is put under: words to add and to take away, each saved at once; suggests what is used already. */

import "./tagTexts";
import { useId, useRef, useState, type KeyboardEvent } from "react";
import { useTranslation } from "../i18n";
import type { ProblemFragment } from "../gql/graphql";
import { problemText } from "./failures";
import { CloseIcon } from "./icons";
import { LONGEST, MOST, split, tagKey, withTags } from "./tagWords";
import { toast } from "./toasts";
import { useTagSuggestions } from "./useTagSuggestions";

interface Props {
  tags: readonly string[];
  /** What the server found wrong; null when it could not be asked. */
  save: (tags: string[]) => Promise<readonly ProblemFragment[] | null>;
}

export function TagField({ tags, save }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const [state, setState] = useState<"idle" | "saving" | "saved">("idle");
  const [problem, setProblem] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const typed = text.split(",").at(-1) ?? "";
  const known = new Set(tags.map(tagKey));
  const suggested = useTagSuggestions(open ? typed : "").filter((tag) => !known.has(tagKey(tag)));

  async function send(next: string[]): Promise<boolean> {
    setState("saving");
    setProblem(null);
    const found = await save(next);
    const done = found?.length === 0;
    setState(done ? "saved" : "idle");
    if (!done) setProblem(found?.[0] ? problemText(found[0]) : t("trouble.network"));
    return done;
  }

  async function add(words: string) {
    setAt(-1);
    const more = split(words);
    if (more.length === 0) return setText("");
    if (await send(withTags(tags, more))) setText("");
  }

  /** With what was typed in front of it, if that has commas. */
  function take(tag: string) {
    void add(`${text.slice(0, text.length - typed.length)}${tag}`);
    field.current?.focus();
  }

  async function remove(tag: string) {
    const before = [...tags];
    field.current?.focus();
    if (await send(tags.filter((one) => one !== tag))) {
      toast(t("tags.removed", { tag }), { action: { label: t("action.undo"), run: () => void send(before) } });
    }
  }

  function key(event: KeyboardEvent<HTMLInputElement>) {
    if (event.nativeEvent.isComposing) return;
    const last = tags.at(-1);
    const chosen = suggested[at];
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (event.key === "Escape" && suggested.length > 0) {
      event.preventDefault();
      setOpen(false);
      setAt(-1);
    } else if (step !== 0 && suggested.length > 0) {
      event.preventDefault();
      setAt(at < 0 && step < 0 ? suggested.length - 1 : (at + step + suggested.length) % suggested.length);
    } else if (event.key === "Enter" || event.key === ",") {
      event.preventDefault();
      if (event.key === "Enter" && chosen !== undefined) take(chosen);
      else void add(text);
    } else if (event.key === "Backspace" && text === "" && last !== undefined && !event.repeat) {
      event.preventDefault();
      void remove(last);
    }
  }

  return (
    <div className="mt-4 flex flex-col gap-1">
      <label htmlFor={id} className="text-sm font-semibold">
        {t("tags.title")}
      </label>
      <div className="field flex h-auto! min-h-10 flex-wrap items-center gap-1.5 py-1.5! focus-within:border-accent">
        {tags.length > 0 && (
          <ul className="contents" aria-label={t("tags.title")}>
            {tags.map((tag) => (
              <li key={tag} data-tag={tag} className="chip max-w-full bg-sunken pr-0.5!">
                <bdi className="truncate">{tag}</bdi>
                <button type="button" className="grid size-6 place-items-center rounded-full hover:bg-line" aria-label={t("tags.remove", { tag })} onClick={() => void remove(tag)}>
                  <CloseIcon width="12" height="12" />
                </button>
              </li>
            ))}
          </ul>
        )}
        <input
          id={id}
          ref={field}
          role="combobox"
          aria-autocomplete="list"
          aria-expanded={suggested.length > 0}
          aria-controls={`${id}-list`}
          aria-activedescendant={suggested[at] === undefined ? undefined : `${id}-${at}`}
          aria-describedby={`${id}-note`}
          dir="auto"
          autoComplete="off"
          className="min-h-7 min-w-28 flex-1 bg-transparent outline-none"
          placeholder={tags.length === 0 ? t("tags.placeholder") : undefined}
          value={text}
          maxLength={MOST * LONGEST}
          onChange={(event) => {
            setText(event.target.value);
            setOpen(true);
            setAt(-1);
          }}
          onKeyDown={key}
          onBlur={() => {
            setOpen(false);
            void add(text);
          }}
        />
      </div>
      <div id={`${id}-list`} role="listbox" aria-label={t("tags.suggestions")} hidden={suggested.length === 0} className="flex flex-wrap gap-1.5 py-1 [&[hidden]]:hidden">
        {suggested.map((tag, index) => (
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events -- the field keeps the focus and takes the keys
          <div
            key={tag}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            className="chip min-h-7 max-w-full cursor-pointer border border-line bg-surface px-3 hover:border-line-strong aria-selected:border-accent aria-selected:bg-tint"
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => take(tag)}
          >
            <bdi className="truncate">{tag}</bdi>
          </div>
        ))}
      </div>
      <p id={`${id}-note`} className={`text-sm ${problem ? "text-bad" : "text-muted"}`} role={problem ? "alert" : "status"}>
        {problem ?? (state === "saved" ? t("action.saved") : t("tags.hint"))}
      </p>
    </div>
  );
}
