/** What a video is put under: words to add and to take away, each saved at once. */

import { useId, useRef, useState, type KeyboardEvent } from "react";
import { useTranslation } from "../../i18n";
import { useClient } from "urql";
import { UpdateVideoDocument } from "../../gql/graphql";
import { CloseIcon } from "../../ui/icons";
import { toast } from "../../ui/toasts";
import { useDone } from "../../ui/useDone";
import { split } from "./tagWords";

/** As the server has them. */
const MOST = 30;
const LONGEST = 50;

export function Tags({ video }: { video: { id: string; tags: readonly string[] } }) {
  const { t } = useTranslation();
  const client = useClient();
  const { problem, run } = useDone();
  const [text, setText] = useState("");
  const [state, setState] = useState<"idle" | "saving" | "saved">("idle");
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const { tags } = video;

  async function save(next: readonly string[]): Promise<boolean> {
    setState("saving");
    const sent = client.mutation(UpdateVideoDocument, { input: { id: video.id, tags: [...next] } }).toPromise();
    const done = await run(sent, (data) => data.updateVideo.userErrors);
    setState(done ? "saved" : "idle");
    return done;
  }

  async function add(words: string) {
    const more = split(words);
    if (more.length === 0) return setText("");
    if (await save([...tags, ...more])) setText("");
  }

  async function remove(tag: string) {
    const before = tags;
    field.current?.focus();
    if (await save(tags.filter((one) => one !== tag))) {
      toast(t("tags.removed", { tag }), { action: { label: t("action.undo"), run: () => void save(before) } });
    }
  }

  function key(event: KeyboardEvent<HTMLInputElement>) {
    const last = tags.at(-1);
    if ((event.key === "Enter" || event.key === ",") && !event.nativeEvent.isComposing) {
      event.preventDefault();
      void add(text);
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
          dir="auto"
          autoComplete="off"
          aria-describedby={`${id}-note`}
          className="min-h-7 min-w-28 flex-1 bg-transparent outline-none"
          placeholder={tags.length === 0 ? t("tags.placeholder") : undefined}
          value={text}
          maxLength={MOST * LONGEST}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={key}
          onBlur={() => void add(text)}
        />
      </div>
      <p id={`${id}-note`} className={`text-sm ${problem ? "text-bad" : "text-muted"}`} role={problem ? "alert" : "status"}>
        {problem ?? (state === "saved" ? t("action.saved") : t("tags.hint"))}
      </p>
    </div>
  );
}
