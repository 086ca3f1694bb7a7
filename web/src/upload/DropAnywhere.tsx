/** Takes files that are dropped on any page. */

import { useEffect, useState } from "react";
import { useTranslation } from "../i18n";
import { UploadIcon } from "../ui/icons";
import { useQueue } from "./context";
import { addFiles } from "./add";
import { droppedFiles, usualVisibility } from "./pick";

export function DropAnywhere() {
  const { t } = useTranslation();
  const queue = useQueue();
  const [over, setOver] = useState(false);

  useEffect(() => {
    // Entering a child fires before leaving its parent, so the two are counted.
    let depth = 0;
    const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") === true;
    const enter = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth += 1;
      setOver(true);
    };
    // Comes again and again, also to a page that was not there yet when the drag came in.
    const hover = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth = Math.max(1, depth);
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const drop = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      if (!event.dataTransfer) return;
      void droppedFiles(event.dataTransfer).then((files) => addFiles(queue, files, { visibility: usualVisibility() }));
    };
    addEventListener("dragenter", enter);
    addEventListener("dragover", hover);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragenter", enter);
      removeEventListener("dragover", hover);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, [queue]);

  if (!over) return null;
  return (
    <div className="pointer-events-none fixed inset-0 z-50 grid place-items-center bg-bg/85 p-6" aria-hidden="true">
      <div className="grid size-full max-h-96 max-w-2xl place-items-center rounded-3xl border-2 border-dashed border-accent bg-tint">
        <span className="flex flex-col items-center gap-3 text-lg font-bold text-accent">
          <UploadIcon width="40" height="40" />
          {t("upload.dropHere")}
        </span>
      </div>
    </div>
  );
}
