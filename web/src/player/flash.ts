/** What a key or a tap did, for a moment on the screen. */

import { useCallback, useEffect, useState } from "react";

export interface Flash {
  key: number;
  text: string;
  /** Which side of the picture it is about. */
  side: "left" | "middle" | "right";
}

const SHOWN_MS = 800;

export function useFlash(): [Flash | null, (text: string, side?: Flash["side"]) => void] {
  const [flash, setFlash] = useState<Flash | null>(null);
  const show = useCallback((text: string, side: Flash["side"] = "middle") => {
    setFlash((before) => ({ key: (before?.key ?? 0) + 1, text, side }));
  }, []);
  useEffect(() => {
    if (!flash) return;
    const timer = setTimeout(() => setFlash(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [flash]);
  return [flash, show];
}
