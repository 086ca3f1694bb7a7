/** Going back brings one to where one was; going on starts at the top. */

import { useEffect, useLayoutEffect } from "react";
import { NavigationType, useLocation, useNavigationType } from "react-router";
import { noteVisit, visit } from "./visits";

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
    addEventListener("scroll", note, { passive: true });
    return () => removeEventListener("scroll", note);
  }, [key]);

  useLayoutEffect(() => {
    const place = back ? (visit(key).scroll ?? 0) : 0;
    if (place > 0) return scrollWhenHighEnough(place);
    // It gives a promise back in some browsers, which React would take for something to call.
    void scrollTo(0, 0);
    return undefined;
    // Filters change the key but not the place.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [pathname]);
}

/** Scrolls as soon as the page is so high, unless the person does so first. Gives back how to give up. */
function scrollWhenHighEnough(place: number): () => void {
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
