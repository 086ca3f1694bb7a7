/** What is done with many videos at once, and how it is taken back. */

import type { Client } from "urql";
import { UpdateVideoDocument, RetryVideoDocument, type StudioRowFragment, type Visibility } from "../../gql/graphql";
import { t } from "../../i18n";
import { toast } from "../../ui/toasts";
import { withTags, withoutTags } from "../../ui/tagWords";

/** Requests at the same time. */
const PARALLEL = 4;

/** Runs a task for each; how many did not work. */
async function each<T>(items: readonly T[], task: (item: T) => Promise<boolean>): Promise<number> {
  const left = [...items];
  let failed = 0;
  const work = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      if (!(await task(item).catch(() => false))) failed += 1;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return failed;
}

const change = (client: Client, id: string, visibility: Visibility) =>
  client
    .mutation(UpdateVideoDocument, { input: { id, visibility } })
    .toPromise()
    .then(({ data }) => data?.updateVideo.userErrors.length === 0);

/** Says who may see the videos; can be taken back. */
export async function setVisibility(client: Client, videos: readonly StudioRowFragment[], visibility: Visibility) {
  const changed = videos.filter((video) => video.visibility !== visibility);
  const before = changed.map((video) => ({ id: video.id, visibility: video.visibility }));
  const failed = await each(changed, (video) => change(client, video.id, visibility));
  say(failed, t("bulk.visibility", { count: changed.length, visibility: t(`visibility.${visibility}`) }), () => {
    void each(before, (one) => change(client, one.id, one.visibility)).then((bad) => {
      say(bad, t("bulk.undone"));
    });
  });
}

const retag = (client: Client, id: string, tags: readonly string[]) =>
  client
    .mutation(UpdateVideoDocument, { input: { id, tags: [...tags] } })
    .toPromise()
    .then(({ data }) => data?.updateVideo.userErrors.length === 0);

/** Puts the videos under tags, or takes them from under them; can be taken back. */
export async function changeTags(client: Client, videos: readonly StudioRowFragment[], tags: readonly string[], add: boolean) {
  const now = (video: StudioRowFragment) => (add ? withTags(video.tags, tags) : withoutTags(video.tags, tags));
  const changed = videos.filter((video) => now(video).length !== video.tags.length);
  const before = changed.map((video) => ({ id: video.id, tags: video.tags }));
  const failed = await each(changed, (video) => retag(client, video.id, now(video)));
  say(failed, t(add ? "bulk.tagged" : "bulk.untagged", { count: changed.length, tags: tags.join(", ") }), () => {
    void each(before, (one) => retag(client, one.id, one.tags)).then((bad) => {
      say(bad, t("bulk.undone"));
    });
  });
}

/** Has those processed again for which that makes sense. */
export async function retryAll(client: Client, videos: readonly StudioRowFragment[]) {
  const wanted = videos.filter((video) => video.canRetry);
  const failed = await each(wanted, (video) =>
    client
      .mutation(RetryVideoDocument, { id: video.id })
      .toPromise()
      .then(({ data }) => data?.retryVideo.userErrors.length === 0),
  );
  say(failed, t("bulk.retried", { count: wanted.length }));
}

function say(failed: number, words: string, undo?: () => void) {
  if (failed > 0) toast(t("bulk.failed", { count: failed }), { tone: "bad" });
  else toast(words, undo ? { action: { label: t("action.undo"), run: undo } } : {});
}
