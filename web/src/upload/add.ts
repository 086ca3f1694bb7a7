/** Takes up files as people give them: what is surely no video is refused at once, and said. */

import { t } from "../i18n";
import { toast } from "../ui/toasts";
import type { Details, Queue } from "./queue";

export async function addFiles(queue: Queue, files: readonly File[], details: Partial<Details>) {
  const { notAVideo } = await import("./check");
  const kinds = await Promise.all(files.map(notAVideo));
  queue.add(files.filter((_, at) => kinds[at] === null), details);
  const refused = files.flatMap((file, at) => {
    const kind = kinds[at];
    return kind ? [{ name: file.name, kind }] : [];
  });
  const [first] = refused;
  if (!first) return;
  const words =
    refused.length === 1
      ? t("upload.notAVideo", { name: first.name, kind: t(`upload.kind.${first.kind}`) })
      : t("upload.notVideos", { count: refused.length, names: refused.map((one) => one.name).join(", ") });
  toast(words, { tone: "bad", ms: 12_000 });
}
