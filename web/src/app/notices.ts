/** Says that a video is ready, or failed, wherever one is: in the page, and by the system if that is allowed. */

import { useEffect } from "react";
import { useNavigate } from "react-router";
import type { MyVideosSubscription } from "../gql/graphql";
import { t } from "../i18n";
import { toast } from "../ui/toasts";

type Video = NonNullable<MyVideosSubscription["myVideos"]["video"]>;

const KEY = "clipsy.notices";
/** Videos that were seen being made; only of those it is news that they are done. */
const making = new Set<string>();

/** Whether the system's notices are wanted and allowed. */
export function noticesOn(): boolean {
  try {
    return localStorage.getItem(KEY) === "1" && Notification.permission === "granted";
  } catch {
    return false;
  }
}

/** Asks for the system's notices, or does without them; whether they are on now. */
export async function setNotices(on: boolean): Promise<boolean> {
  try {
    const allowed = on && (await Notification.requestPermission()) === "granted";
    if (allowed) localStorage.setItem(KEY, "1");
    else localStorage.removeItem(KEY);
    return allowed;
  } catch {
    return false;
  }
}

export function useNotices(change: MyVideosSubscription["myVideos"] | undefined) {
  const navigate = useNavigate();
  const video = change?.video;
  useEffect(() => {
    if (!video) return;
    const done = settle(video);
    if (!done) return;
    const path = `/studio/${video.number}`;
    // On its own page one sees it anyway.
    if (document.visibilityState === "visible" && location.pathname.endsWith(path)) return;
    const words = t(done === "ready" ? "notice.ready" : "notice.failed", { title: video.title });
    toast(words, {
      tone: done === "ready" ? "good" : "bad",
      ms: 10_000,
      action: { label: t("notice.look"), run: () => void navigate(path) },
    });
    if (document.visibilityState === "visible" || !noticesOn()) return;
    const notice = new Notification(words, { tag: video.id });
    notice.onclick = () => {
      window.focus();
      void navigate(path);
      notice.close();
    };
  }, [video, navigate]);
}

function settle(video: Video): "ready" | "failed" | null {
  if (video.state === "QUEUED" || video.state === "PROCESSING") {
    making.add(video.id);
    return null;
  }
  if (!making.delete(video.id)) return null;
  return video.state === "READY" ? "ready" : video.state === "FAILED" ? "failed" : null;
}
