/** Puts text onto the clipboard and says so. */

import { t } from "../i18n";
import { toast } from "./toasts";

export async function copyText(text: string) {
  try {
    await navigator.clipboard.writeText(text);
    toast(t("action.linkCopied"));
  } catch {
    // Over plain HTTP there is no clipboard: people copy it themselves.
    toast(text, { ms: 20_000 });
  }
}

/** The address of a video's page, as others can use it. */
export const linkOf = (video: { url: string }) => `${location.origin}${video.url}`;
