/** The picture of a video; moving over it looks through the video. */

import { useEffect, useRef, useState } from "react";
import type { VideoCardFragment } from "../gql/graphql";
import { loadStoryboard, tileAt, type Tile } from "../player/storyboard";
import { clock } from "./format";
import { PlayIcon } from "./icons";

/** `at`: where the pointer is, from 0 at the left edge to 1 at the right; null while it is elsewhere. */
export function Thumb({ video, at = null, eager = false }: { video: VideoCardFragment; at?: number | null; eager?: boolean }) {
  const source = video.playback?.thumbnailUrl ?? video.thumbnailUrl;
  const storyboard = video.playback?.storyboardUrl;
  const [tiles, setTiles] = useState<Tile[] | null>(null);
  const [broken, setBroken] = useState<string | null>(null);
  const wanted = at !== null && tiles === null;

  useEffect(() => {
    if (!wanted || !storyboard) return;
    let gone = false;
    void loadStoryboard(storyboard).then((loaded) => {
      if (!gone) setTiles(loaded);
    });
    return () => {
      gone = true;
    };
  }, [wanted, storyboard]);

  const length = video.duration ?? tiles?.at(-1)?.end ?? 0;
  const tile = tiles && at !== null ? tileAt(tiles, at * length) : undefined;

  return (
    <span className="absolute inset-0">
      {source && broken !== source ? (
        <img
          src={source}
          alt=""
          loading={eager ? "eager" : "lazy"}
          fetchPriority={eager ? "high" : "auto"}
          decoding="async"
          className="size-full bg-stage object-contain"
          onError={() => setBroken(source)}
        />
      ) : (
        <span className="grid size-full place-items-center bg-sunken text-line-strong" aria-hidden="true">
          <PlayIcon width="36" height="36" />
        </span>
      )}
      {tile && <Preview tile={tile} />}
      {tile && at !== null && (
        <span className="absolute inset-x-0 bottom-0 h-1 bg-black/50" aria-hidden="true">
          <span className="block h-full bg-accent" style={{ width: `${at * 100}%` }} />
        </span>
      )}
      {video.state === "READY" && video.duration !== null && (
        <span className="num absolute right-2 bottom-2 rounded-md bg-black/80 px-1.5 py-0.5 text-xs font-semibold text-white">
          {clock(tile && at !== null ? at * length : video.duration)}
        </span>
      )}
    </span>
  );
}

/** One tile of a sprite, as large as its frame allows. */
function Preview({ tile }: { tile: Tile }) {
  const frame = useRef<HTMLSpanElement>(null);
  const [box, setBox] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const rect = frame.current?.getBoundingClientRect();
    if (rect) setBox({ width: rect.width, height: rect.height });
  }, []);
  const scale = Math.min(box.width / tile.width, box.height / tile.height) || 1;
  return (
    <span ref={frame} className="absolute inset-0 grid place-items-center overflow-hidden bg-stage" aria-hidden="true">
      <span
        style={{
          width: tile.width,
          height: tile.height,
          flex: "none",
          backgroundImage: `url("${tile.url}")`,
          backgroundPosition: `-${tile.x}px -${tile.y}px`,
          transform: `scale(${scale})`,
        }}
      />
    </span>
  );
}
