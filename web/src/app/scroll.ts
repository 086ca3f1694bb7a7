/** Going back brings one to where one was; going on starts at the top. */

import { useEffect } from "react";
import { NavigationType, useLocation, useNavigationType } from "react-router";

const places = new Map<string, number>();

export function useScrollMemory() {
  const { key, pathname } = useLocation();
  const back = useNavigationType() === NavigationType.Pop;

  useEffect(() => {
    history.scrollRestoration = "manual";
    const note = () => places.set(key, scrollY);
    addEventListener("scroll", note, { passive: true });
    return () => removeEventListener("scroll", note);
  }, [key]);

  useEffect(() => {
    const place = back ? (places.get(key) ?? 0) : 0;
    // Lists come from the cache, one frame later.
    const frame = requestAnimationFrame(() => scrollTo(0, place));
    return () => cancelAnimationFrame(frame);
    // Filters change the key but not the place.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [pathname]);
}
