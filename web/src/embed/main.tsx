/** The player alone, for other people's pages. Nobody is signed in here and nothing is kept but the place. */

import "../styles/main.css";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { stringifyDocument } from "@urql/core";
import { base } from "../ui/format";
import { EmbedDocument, type EmbedQuery } from "../gql/graphql";
import { startTexts, useTranslation } from "../i18n";
import { Player } from "../player/Player";
import { parseMoment } from "../ui/format";
import { Demo } from "../ui/Demo";
import { Logo } from "../ui/Logo";

type Answer = { video: EmbedQuery["video"] } | { trouble: true } | null;

/** While a video is being made its page is asked again this often, in milliseconds. */
const ASK_MS = 5_000;

function Embed({ id }: { id: string }) {
  const { t } = useTranslation();
  const [answer, setAnswer] = useState<Answer>(null);
  const params = new URLSearchParams(location.search);
  const video = answer && "video" in answer ? answer.video : null;
  const waiting = video && !video.playable && video.state !== "FAILED" && video.state !== "CANCELLED";

  useEffect(() => {
    let gone = false;
    const load = () =>
      ask(id).then(
        (data) => {
          if (!gone) setAnswer({ video: data.video ?? null });
        },
        () => {
          if (!gone) setAnswer({ trouble: true });
        },
      );
    void load();
    const timer = waiting ? setInterval(() => void load(), ASK_MS) : undefined;
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [id, waiting]);

  if (!answer) return null;
  if (!video?.playback || !video.playable) {
    return (
      <Note>
        {"trouble" in answer ? t("trouble.network") : waiting ? t("watch.notYet") : video ? t("embed.failed") : t("watch.notFound")}
      </Note>
    );
  }
  return (
    <div className="group relative size-full">
      <title>{video.title}</title>
      <Player
        id={String(video.number)}
        title={video.title}
        src={video.playback.hlsUrl}
        poster={video.playback.thumbnailUrl ?? video.thumbnailUrl}
        storyboard={video.playback.storyboardUrl}
        captions={video.captions}
        startAt={parseMoment(params.get("t"))}
        autoplay={params.get("autoplay") === "1"}
      />
      <a
        href={video.url}
        target="_blank"
        rel="noopener"
        className="absolute top-3 left-3 flex max-w-[80%] items-center gap-2 rounded-full bg-black/70 px-3 py-1.5 text-sm font-semibold text-white no-underline opacity-0 transition-opacity group-hover:opacity-100 focus-visible:opacity-100"
      >
        <Logo />
        <span className="truncate">{video.title}</span>
      </a>
    </div>
  );
}

function Note({ children }: { children: string }) {
  return (
    <div className="grid size-full place-items-center p-6 text-center text-white">
      <div className="flex flex-col items-center gap-3" role="status">
        <Logo />
        <h1 className="text-lg">{children}</h1>
      </div>
    </div>
  );
}

async function ask(id: string): Promise<EmbedQuery> {
  const response = await fetch(`${base}/graphql`, {
    method: "POST",
    credentials: "omit",
    headers: { "Content-Type": "application/json", Accept: "application/graphql-response+json, application/json" },
    body: JSON.stringify({ query: stringifyDocument(EmbedDocument), variables: { id } }),
  });
  const body = (await response.json()) as { data?: EmbedQuery | null };
  if (!body.data) throw new Error(`HTTP ${response.status}`);
  return body.data;
}

await startTexts();
const root = document.getElementById("root");
if (!root) throw new Error("embed.html has no #root");
root.className = "fixed inset-0 bg-stage";
createRoot(root).render(
  <main className="size-full">
    <Demo className="pointer-events-none absolute inset-x-0 top-0 z-10 truncate opacity-80" />
    <Embed id={decodeURIComponent(location.pathname.split("/").filter(Boolean).at(-1) ?? "")} />
  </main>,
);
