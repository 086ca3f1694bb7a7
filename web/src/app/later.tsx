/**
 * Components that come in chunks of their own.
 *
 * React's `lazy` works by suspending, and React holds back what comes after a fallback for 300 ms so
 * that pages do not flicker. Twice that stood between a click and the video: the page of a video is a
 * chunk, and its player another. These do not suspend: they are shown as soon as they are there.
 */

import { useEffect, useState, type ComponentType, type ReactNode } from "react";

export interface Later<P> {
  (props: P & { waiting?: ReactNode }): ReactNode;
  /** Fetches the chunk, because it is likely to be wanted; for good, unless that fails. */
  warm: () => void;
}

/** What is shown stays what it was, or it would lose its state; an object, since React calls functions. */
interface State<P> {
  Ready: ComponentType<P> | null;
  error: Error | null;
}

/** `load` imports the chunk; while it is on its way `waiting` stands in the component's place. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): Later<P> {
  let Ready: ComponentType<P> | null = null;
  let loading: Promise<unknown> | null = null;
  const fetch = () => {
    loading ??= load().then(
      (component) => (Ready = component),
      (error: unknown) => {
        loading = null;
        throw error;
      },
    );
    return loading;
  };

  function Component({ waiting = null, ...props }: P & { waiting?: ReactNode }) {
    const [state, setState] = useState<State<P>>(() => {
      // Now rather than after the first paint.
      if (!Ready) void fetch().catch(() => undefined);
      return { Ready, error: null };
    });
    useEffect(() => {
      if (state.Ready || state.error) return;
      let gone = false;
      const set = (next: State<P>) => {
        if (!gone) setState(next);
      };
      fetch().then(
        () => set({ Ready, error: null }),
        (cause: unknown) => set({ Ready: null, error: new Error("a part of the page could not be loaded", { cause }) }),
      );
      return () => {
        gone = true;
      };
    }, [state]);
    // The boundary around the page says what to do.
    if (state.error) throw state.error;
    return state.Ready ? <state.Ready {...(props as unknown as P)} /> : waiting;
  }
  return Object.assign(Component, { warm: () => void fetch().catch(() => undefined) });
}
