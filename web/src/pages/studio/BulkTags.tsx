/** Puts the selected videos under tags, or takes them from under them. */

import { useState } from "react";
import { useTranslation } from "../../i18n";
import { split, tagKey } from "../../ui/tagWords";
import { useTagSuggestions } from "../../ui/useTagSuggestions";

export function BulkTags({ busy, used, onChange }: { busy: boolean; used: readonly string[]; onChange: (tags: string[], add: boolean) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const tags = split(text);
  // The list of a field is compared with all of it: what stands in front of the last comma belongs to each.
  const front = text.slice(0, text.lastIndexOf(",") + 1);
  const suggested = useTagSuggestions(text.slice(front.length));
  const offered = new Map([...used, ...suggested].map((tag) => [tagKey(tag), tag]));
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- hears what keys in it bubble
    <details
      className="relative"
      onKeyDown={(event) => {
        if (event.key === "Escape") event.currentTarget.open = false;
      }}
    >
      <summary className="btn btn-quiet list-none">{t("tags.title")}</summary>
      <form
        className="popup absolute right-0 z-30 mt-1 flex w-72 max-w-[calc(100vw-1.5rem)] flex-col gap-2 p-3! max-sm:fixed max-sm:inset-x-3 max-sm:w-auto"
        onSubmit={(event) => {
          event.preventDefault();
          if (tags.length > 0) onChange(tags, true);
        }}
      >
        <input
          className="field text-sm"
          aria-label={t("tags.several")}
          placeholder={t("tags.several")}
          list={offered.size > 0 ? "tags-used" : undefined}
          dir="auto"
          autoComplete="off"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <datalist id="tags-used">
          {[...offered.values()].map((tag) => (
            <option key={tag} value={front ? `${front} ${tag}` : tag} />
          ))}
        </datalist>
        <div className="flex flex-wrap gap-2">
          <button type="submit" className="btn btn-primary btn-small" disabled={busy || tags.length === 0}>
            {t("tags.add")}
          </button>
          <button type="button" className="btn btn-quiet btn-small" disabled={busy || tags.length === 0} onClick={() => onChange(tags, false)}>
            {t("tags.take")}
          </button>
        </div>
      </form>
    </details>
  );
}
