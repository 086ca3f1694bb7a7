/** Watching a video, also while it is still being made. */

import { lazy, Suspense, useCallback, useEffect, useLayoutEffect, useState } from "react";
import { useTranslation } from "../../i18n";
import { Link, useLocation, useNavigate, useParams, useSearchParams } from "react-router";
import { useQuery } from "urql";
import { MoreVideosDocument, WatchDocument, type VideoCardFragment, type VideoDetailFragment } from "../../gql/graphql";
import { isMoving, useLiveVideo, useViewer } from "../../api/hooks";
import { Player } from "../../player/lazy";
import type { PlayerProps } from "../../player/Player";
import { stage } from "../../player/stage";
import { warmPlayer } from "../../player/warm";
import { count, pageOf, parseMoment } from "../../ui/format";
import { EditIcon, KeyboardIcon, ShareIcon } from "../../ui/icons";
import { Ago, Empty, StateChip, Title, Trouble, VisibilityMark } from "../../ui/parts";
import { VideoCard } from "../../ui/VideoCard";
import { MakingPanel } from "./MakingPanel";

// The page waits for what the server says of the video anyway.
Player.warm();

const ShareDialog = lazy(() => import("./ShareDialog"));
const KeysDialog = lazy(() => import("./KeysDialog"));

export default function Watch() {
  const { id = "" } = useParams();
  const [{ data, error }, refetch] = useQuery({ query: WatchDocument, variables: { id }, requestPolicy: "cache-and-network" });
  const video = data?.video;
  const playlist = video?.playback?.hlsUrl;
  useEffect(() => warmPlayer(playlist), [playlist]);
  // By the name in the address: to whoever came by a link, the number opens nothing.
  useLiveVideo(video ? id : undefined, video !== null && video !== undefined && isMoving(video.state));

  if (error && !data) return <Trouble error={error} retry={() => refetch({ requestPolicy: "network-only" })} />;
  if (!data) return <Waiting />;
  if (!video) return <NotFound id={id} />;
  return <Page key={video.id} video={video} refetch={() => refetch({ requestPolicy: "network-only" })} />;
}

/** No such video for whoever asks; perhaps there is one for its owner. */
function NotFound({ id }: { id: string }) {
  const { t } = useTranslation();
  const viewer = useViewer();
  return (
    <Empty
      title={t("watch.notFound")}
      action={
        <div className="flex flex-wrap justify-center gap-2">
          {!viewer && <Link className="btn btn-primary" to="/sign-in" state={{ from: `/watch/${id}` }}>{t("nav.signIn")}</Link>}
          <Link className={viewer ? "btn btn-primary" : "btn btn-quiet"} to="/">{t("notFound.home")}</Link>
        </div>
      }
    >
      {t("watch.notFoundAdvice")}
    </Empty>
  );
}

function Page({ video, refetch }: { video: VideoDetailFragment; refetch: () => void }) {
  const { t } = useTranslation();
  const [params] = useSearchParams();
  const [theatre, setTheatre] = useState(readTheatre);
  const [sharing, setSharing] = useState<number | null>(null);
  const [keys, setKeys] = useState(false);
  const more = useMore(video.id);
  const playback = video.playable ? video.playback : null;
  const [source, refuse] = useSource(playback?.hlsUrl);
  const toggleTheatre = useCallback(() => setTheatre((on) => keepTheatre(!on)), []);
  const shape = video.width && video.height ? video.width / video.height : 16 / 9;
  const plays = playback && source !== null;
  const slot = usePlayer(
    plays
      ? {
          id: String(video.number),
          title: video.title,
          owner: video.owner.username,
          src: source,
          poster: playback.thumbnailUrl ?? video.thumbnailUrl,
          storyboard: playback.storyboardUrl,
          captions: video.captions,
          startAt: parseMoment(params.get("t")),
          autoplay: true,
          theatre: { on: theatre, toggle: toggleTheatre },
          onHelp: () => setKeys(true),
          onRefused: () => {
            refuse();
            refetch();
          },
        }
      : null,
    more[0],
  );

  return (
    <div data-theatre={theatre || undefined} className={theatre ? "watch" : "watch grid gap-x-8 gap-y-8 xl:has-[aside]:grid-cols-[minmax(0,1fr)_21rem]"}>
      <Title text={video.title} />
      <div className="min-w-0">
        <div
          ref={slot}
          className={theatre ? "bg-stage" : "-mx-3 overflow-hidden bg-stage sm:mx-0 sm:rounded-2xl"}
          data-slot={plays ? true : undefined}
          style={plays ? { aspectRatio: Math.max(shape, 4 / 3), maxHeight: theatre ? "calc(100dvh - 8rem)" : "75dvh", width: "auto", minWidth: "100%" } : undefined}
        >
          {!plays && <MakingPanel video={video} />}
        </div>
        <div className="watch-text">
          <div className="mt-4 flex flex-wrap items-start gap-x-4 gap-y-3">
            <div className="mr-auto min-w-0">
              <h1 className="text-xl">
                <bdi>{video.title}</bdi>
              </h1>
              <p className="num flex flex-wrap items-center gap-x-2.5 gap-y-1 text-sm text-muted">
                <Link to={`/u/${encodeURIComponent(video.owner.username)}`} className="font-semibold text-ink no-underline hover:underline">
                  {video.owner.username}
                </Link>
                <span>{t("video.views", { count: video.views, shown: count(video.views) })}</span>
                <Ago at={video.createdAt} />
                <VisibilityMark visibility={video.visibility} />
                {video.state !== "READY" && <StateChip state={video.state} />}
              </p>
            </div>
            <div className="flex flex-wrap gap-2">
              <button type="button" className="btn btn-quiet" onClick={() => setSharing(stage.time())}>
                <ShareIcon />
                {t("watch.share")}
              </button>
              {playback && (
                <button type="button" className="btn-icon btn-quiet max-md:hidden" aria-label={t("player.keys")} title={t("player.keys")} onClick={() => setKeys(true)}>
                  <KeyboardIcon />
                </button>
              )}
              {video.canEdit && (
                <Link className="btn btn-quiet" to={`/studio/${video.number}`}>
                  <EditIcon />
                  {t("action.studio")}
                </Link>
              )}
            </div>
          </div>
          {playback && video.state === "PROCESSING" && video.canEdit && (
            <div className="panel mt-4 p-4">
              <p className="mb-3 text-sm text-muted">{t("watch.stillMaking")}</p>
              <MakingPanel video={video} bare />
            </div>
          )}
          {video.description && <Description text={video.description} />}
          {video.tags.length > 0 && <TagLinks tags={video.tags} />}
        </div>
      </div>
      <More videos={more} wide={theatre} />
      <Suspense>
        {sharing !== null && <ShareDialog video={video} time={sharing} onClose={() => setSharing(null)} />}
        {keys && <KeysDialog onClose={() => setKeys(false)} />}
      </Suspense>
    </div>
  );
}

/** Has the site's player play this over the element that the given ref is put on. */
function usePlayer(player: Omit<PlayerProps, "ref"> | null, after: VideoCardFragment | undefined) {
  const navigate = useNavigate();
  const { pathname, search } = useLocation();
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const next = after && { title: after.title, poster: after.playback?.thumbnailUrl ?? after.thumbnailUrl ?? null, go: () => void navigate(pageOf(after)) };
  useLayoutEffect(() => {
    if (player && slot) stage.show({ player: { ...player, next: next ?? null }, page: pathname + search, slot });
  });
  const id = player?.id;
  useEffect(() => {
    if (id === undefined) return;
    return () => stage.leave(id);
  }, [id]);
  return setSlot;
}

/**
 * The address to play, and how to say that it is refused. It stays what it was at first, because signed
 * links change with every answer and a new address starts the video again.
 */
function useSource(url: string | undefined): [string | null, () => void] {
  const [held, setHeld] = useState<string | null>(url ?? null);
  const [refused, setRefused] = useState<string | null>(null);
  const keeps = url !== undefined && held !== null && held !== refused;
  const next = keeps ? held : (url ?? null);
  if (next !== held) setHeld(next);
  return [next, () => setRefused(next)];
}

function Waiting() {
  const poster = posterOfDocument();
  return (
    <div aria-busy="true">
      <div className="-mx-3 aspect-video max-h-[75dvh] overflow-hidden bg-stage sm:mx-0 sm:rounded-2xl xl:mr-[23rem]">
        {poster && <img src={poster} alt="" fetchPriority="high" className="size-full object-contain" />}
      </div>
    </div>
  );
}

/** The picture that the document asked for, as long as this is the page that it came for. */
function posterOfDocument(): string | null {
  const [landed] = performance.getEntriesByType("navigation");
  if (!landed || new URL(landed.name, location.href).pathname !== location.pathname) return null;
  return document.head.querySelector<HTMLLinkElement>("link[rel=preload][as=image]")?.href ?? null;
}

function Description({ text }: { text: string }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const long = text.length > 400 || text.split("\n").length > 5;
  return (
    <div className="panel mt-4 p-4">
      <p dir="auto" className={`prose-lines ${long && !open ? "line-clamp-4" : ""}`}>{text}</p>
      {long && (
        <button type="button" className="mt-2 text-sm font-semibold text-accent underline" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? t("action.less") : t("action.more")}
        </button>
      )}
    </div>
  );
}

/** What it is put under, each leading to the others that are. */
function TagLinks({ tags }: { tags: readonly string[] }) {
  const { t } = useTranslation();
  return (
    <ul aria-label={t("tags.title")} className="mt-4 flex flex-wrap gap-2">
      {tags.map((tag) => (
        <li key={tag} className="max-w-full">
          <Link to={`/?tag=${encodeURIComponent(tag)}`} className="chip min-h-7 max-w-full border border-line bg-surface px-3 no-underline hover:border-line-strong">
            <bdi className="truncate">#{tag}</bdi>
          </Link>
        </li>
      ))}
    </ul>
  );
}

/** What else there is to watch, as far as it is known. */
function useMore(except: string): VideoCardFragment[] {
  const [{ data }] = useQuery({ query: MoreVideosDocument });
  return data?.videos.nodes.filter((one) => one.id !== except).slice(0, 8) ?? [];
}

function More({ videos, wide }: { videos: VideoCardFragment[]; wide: boolean }) {
  const { t } = useTranslation();
  if (videos.length === 0) return null;
  return (
    <aside aria-label={t("watch.more")} className={wide ? "watch-text mt-8" : ""}>
      <h2 className="mb-4 text-lg">{t("watch.more")}</h2>
      <div className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,15rem),1fr))] gap-x-5 gap-y-6">
        {videos.map((one) => (
          <VideoCard key={one.id} video={one} />
        ))}
      </div>
    </aside>
  );
}

const THEATRE = "clipsy.theatre";

function readTheatre(): boolean {
  try {
    return localStorage.getItem(THEATRE) === "1";
  } catch {
    return false;
  }
}

function keepTheatre(on: boolean): boolean {
  try {
    if (on) localStorage.setItem(THEATRE, "1");
    else localStorage.removeItem(THEATRE);
  } catch {
    // Then it holds for this visit.
  }
  return on;
}
