/** Draws the player over its place on the page, or in the corner. It stays where it is in the document, so that it plays on. */

import { useEffect, useLayoutEffect, useRef, useSyncExternalStore, type RefObject } from "react";
import { useTranslation } from "../i18n";
import { Link } from "react-router";
import { useViewer } from "../api/hooks";
import { CloseIcon } from "../ui/icons";
import { Player } from "./lazy";
import type { PlayerHandle } from "./Player";
import { stage } from "./stage";

const hold = (handle: PlayerHandle | null) => stage.hold(handle);

export function StageHost({ within }: { within: RefObject<HTMLElement | null> }) {
  const { t } = useTranslation();
  const shown = useSyncExternalStore(stage.subscribe, stage.get);
  const box = useRef<HTMLDivElement>(null);
  const viewer = useViewer()?.id;
  const slot = shown?.slot ?? null;

  // What one person may watch another may not.
  const before = useRef(viewer);
  useEffect(() => {
    if (before.current !== viewer) stage.close();
    before.current = viewer;
  }, [viewer]);

  useLayoutEffect(() => {
    const [element, frame] = [box.current, within.current];
    if (!element || !frame) return;
    if (!slot) {
      element.removeAttribute("style");
      return;
    }
    const place = () => {
      const [outer, inner] = [frame.getBoundingClientRect(), slot.getBoundingClientRect()];
      element.style.left = `${inner.left - outer.left}px`;
      element.style.top = `${inner.top - outer.top}px`;
      element.style.width = `${inner.width}px`;
      element.style.height = `${inner.height}px`;
    };
    place();
    const observer = new ResizeObserver(place);
    observer.observe(slot);
    observer.observe(frame);
    return () => observer.disconnect();
  }, [slot, within, shown?.player.id]);

  if (!shown) return null;
  const { player, page } = shown;
  const mini = slot === null;
  return (
    <section ref={box} aria-label={mini ? t("player.mini") : player.title} className={mini ? "stage-mini" : "stage-host"} data-mini={mini || undefined}>
      <div className="stage-frame">
        <Player
          key={player.id}
          {...player}
          keys={!mini}
          ref={hold}
          waiting={player.poster ? <img src={player.poster} alt="" className="size-full object-contain" fetchPriority="high" /> : null}
        />
      </div>
      {mini && (
        <p className="flex items-center gap-1 py-0.5 pr-0.5 pl-3 text-sm">
          <Link to={page} className="mr-auto min-w-0 truncate font-semibold no-underline hover:underline" title={t("player.expand")}>
            <bdi>{player.title}</bdi>
          </Link>
          <button type="button" className="btn-icon btn-bare" aria-label={t("action.close")} onClick={stage.close}>
            <CloseIcon />
          </button>
        </p>
      )}
    </section>
  );
}
