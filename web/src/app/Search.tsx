/** The search field of the top bar: filters the library as one types, suggests titles everywhere else. */

import { useId, useRef, useState, type KeyboardEvent } from "react";
import { useTranslation } from "../i18n";
import { useLocation, useNavigate, useSearchParams } from "react-router";
import { useQuery } from "urql";
import { useSettled } from "../api/hooks";
import { SuggestionsDocument } from "../gql/graphql";
import { pageOf } from "../ui/format";
import { SearchIcon } from "../ui/icons";

/** Fewer letters than these find too much to suggest any of it. */
const LEAST = 2;

export function Search() {
  const { t } = useTranslation();
  const [params] = useSearchParams();
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const list = useId();
  const here = pathname === "/" || pathname.startsWith("/u/");
  const asked = here ? (params.get("q") ?? "") : "";
  const [text, setText] = useState(asked);
  const [seen, setSeen] = useState(`${pathname}?${asked}`);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const form = useRef<HTMLFormElement>(null);

  // Another page, or the same with other words, says itself what is searched for.
  if (seen !== `${pathname}?${asked}`) {
    setSeen(`${pathname}?${asked}`);
    if (asked.trim() !== text.trim()) setText(asked);
  }

  const settled = useSettled(text.trim(), 150);
  const wanted = open && !here && settled.length >= LEAST;
  const [{ data }] = useQuery({ query: SuggestionsDocument, variables: { search: settled }, pause: !wanted });
  const found = wanted ? (data?.videos.nodes ?? []) : [];
  const options = found.length > 0 ? [...found.map((video) => ({ key: video.id, to: pageOf(video) })), { key: "all", to: null }] : [];

  function go(words: string) {
    const next = new URLSearchParams(here ? params : undefined);
    if (words.trim()) next.set("q", words);
    else next.delete("q");
    const query = next.toString();
    void navigate({ pathname: here ? pathname : "/", search: query ? `?${query}` : "" }, { replace: here });
  }

  function leave() {
    setOpen(false);
    setAt(-1);
  }

  function choose(index: number) {
    const option = options[index];
    leave();
    if (option?.to) {
      setText("");
      void navigate(option.to);
    } else go(text);
  }

  function key(event: KeyboardEvent) {
    if (event.key === "Escape" && open) {
      event.preventDefault();
      return leave();
    }
    if (options.length === 0 || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    setAt(at < 0 && step < 0 ? options.length - 1 : (at + step + options.length) % options.length);
  }

  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- sees the focus leave, takes no keys and no clicks
    <form
      ref={form}
      role="search"
      className="relative ml-auto min-w-0 flex-1 sm:max-w-sm"
      onSubmit={(event) => {
        event.preventDefault();
        choose(at);
      }}
      onBlur={(event) => {
        if (!form.current?.contains(event.relatedTarget)) leave();
      }}
    >
      <SearchIcon className="pointer-events-none absolute top-1/2 left-3 -translate-y-1/2 text-muted" width="17" height="17" />
      <input
        type="search"
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={options.length > 0}
        aria-controls={list}
        aria-activedescendant={at >= 0 && options[at] ? `${list}-${at}` : undefined}
        aria-label={t("library.search")}
        placeholder={t("library.search")}
        value={text}
        dir="auto"
        onFocus={() => setOpen(true)}
        onChange={(event) => {
          setText(event.target.value);
          setOpen(true);
          setAt(-1);
          if (here) go(event.target.value);
        }}
        onKeyDown={key}
        className="field rounded-full border-line bg-sunken pl-9 text-sm"
        autoComplete="off"
        maxLength={200}
      />
      <div id={list} role="listbox" aria-label={t("library.suggestions")} hidden={options.length === 0} className="popup absolute inset-x-0 top-full z-40 mt-1.5 max-sm:fixed max-sm:inset-x-2 max-sm:top-14">
        {options.map((option, index) => {
          const video = found[index];
          return (
            // eslint-disable-next-line jsx-a11y/click-events-have-key-events -- the field keeps the focus and takes the keys
            <div
              key={option.key}
              id={`${list}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === at}
              className="menu-item cursor-pointer aria-selected:bg-sunken hover:bg-sunken"
              onPointerDown={(event) => event.preventDefault()}
              onClick={() => choose(index)}
            >
              {video ? (
                <>
                  <bdi className="truncate">{video.title}</bdi>
                  <span className="ml-auto shrink-0 text-xs text-muted">{video.owner.username}</span>
                </>
              ) : (
                <span className="truncate text-accent">{t("library.all", { words: text.trim() })}</span>
              )}
            </div>
          );
        })}
      </div>
    </form>
  );
}
