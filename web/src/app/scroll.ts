/** Going back brings one to where one was; going on starts at the top. */

import { useEffect, useLayoutEffect } from "react";
import { NavigationType, useLocation, useNavigationType } from "react-router";
import { noteVisit, visit, type Visit } from "./visits";

/** For so long a list that comes again may grow until it is as high as it was, in milliseconds. */
const PATIENCE_MS = 8_000;

export function useScrollMemory() {
  const { key, pathname } = useLocation();
  const back = useNavigationType() === NavigationType.Pop;

  useEffect(() => {
    history.scrollRestoration = "manual";
    const note = () => {
      // A page that goes away gets shorter, and is scrolled by that: the history is one on by then.
      const state = history.state as { key?: string } | null;
      if ((state?.key ?? "default") === key) noteVisit(key, { scroll: scrollY });
    };
    const clicked = (event: MouseEvent) => {
      const card = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-video]") : null;
      const video = card?.dataset["video"];
      if (!card || !video) return;
      noteVisit(key, { anchor: { video, nth: shown(video).indexOf(card), top: card.getBoundingClientRect().top } });
    };
    addEventListener("scroll", note, { passive: true });
    addEventListener("click", clicked, { capture: true });
    return () => {
      removeEventListener("scroll", note);
      removeEventListener("click", clicked, { capture: true });
    };
  }, [key]);

  useLayoutEffect(() => {
    const place = back ? (visit(key).scroll ?? 0) : 0;
    if (place > 0) return scrollWhenHighEnough(place, visit(key).anchor);
    // It gives a promise back in some browsers, which React would take for something to call.
    scrollTo(0, 0);
    return undefined;
    // Filters change the key but not the place.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [pathname]);
}

const shown = (video: string) => [...document.querySelectorAll<HTMLElement>(`[data-video="${CSS.escape(video)}"]`)];

/** Frames in which what comes into sight gets its height. */
const FRAMES = 8;

/** Brings what was clicked on to where it was: what was never in sight above it has no height of its own yet. */
function settle(anchor: NonNullable<Visit["anchor"]>, frames: number) {
  const card = shown(anchor.video)[anchor.nth];
  if (card) scrollBy(0, card.getBoundingClientRect().top - anchor.top);
  if (frames > 0) requestAnimationFrame(() => settle(anchor, frames - 1));
}

/** Scrolls as soon as the page is so high, unless the person does so first. Gives back how to give up. */
function scrollWhenHighEnough(place: number, anchor: Visit["anchor"]): () => void {
  const done = new AbortController();
  const stop = () => {
    done.abort();
    observer.disconnect();
    clearTimeout(timer);
  };
  const reach = () => {
    if (document.documentElement.scrollHeight - innerHeight < place) return;
    scrollTo(0, place);
    stop();
    if (anchor) settle(anchor, FRAMES);
  };
  const observer = new ResizeObserver(reach);
  const timer = setTimeout(stop, PATIENCE_MS);
  for (const name of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    addEventListener(name, stop, { signal: done.signal, passive: true });
  }
  observer.observe(document.body);
  reach();
  return stop;
}
