/** What is surely no video is refused before it is sent, by its name and by what is in it. */

/** What a file is instead of a video; `null` if it may be one. */
export type Kind = "empty" | "text" | "document" | "picture" | "archive" | "sound" | "program";

const ENDINGS: Record<Exclude<Kind, "empty">, readonly string[]> = {
  text: ["txt", "md", "csv", "json", "xml", "html", "htm", "log", "srt", "vtt", "ass", "m3u8", "mpd"],
  document: ["pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "epub"],
  picture: ["jpg", "jpeg", "png", "webp", "heic", "bmp", "svg", "tif", "tiff"],
  archive: ["zip", "7z", "rar", "gz", "xz", "zst", "tar"],
  sound: ["mp3", "wav", "flac", "aac", "opus", "m4a"],
  program: ["exe", "dmg", "msi", "apk", "sh", "js", "py"],
};

const STARTS: readonly [Kind, readonly number[]][] = [
  ["document", [0x25, 0x50, 0x44, 0x46, 0x2d]], // %PDF-
  ["picture", [0xff, 0xd8, 0xff]],
  ["picture", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a]],
  ["archive", [0x50, 0x4b, 0x03, 0x04]],
  ["archive", [0x37, 0x7a, 0xbc, 0xaf, 0x27]],
  ["archive", [0x1f, 0x8b, 0x08]],
  ["sound", [0x66, 0x4c, 0x61, 0x43]], // fLaC
  ["sound", [0x49, 0x44, 0x33]], // ID3
  ["program", [0x7f, 0x45, 0x4c, 0x46]],
  ["program", [0x4d, 0x5a, 0x90, 0x00]],
];

/** As much of a file as is looked at. */
const LOOKED_AT = 2_048;

/** What `file` is if it is surely no video. Reads its beginning only. */
export async function notAVideo(file: File): Promise<Kind | null> {
  if (file.size === 0) return "empty";
  const bytes = await file
    .slice(0, LOOKED_AT)
    .arrayBuffer()
    .then((buffer) => new Uint8Array(buffer))
    .catch(() => null);
  const ending = file.name.split(".").pop()?.toLowerCase() ?? "";
  const named = Object.entries(ENDINGS).find(([, endings]) => endings.includes(ending))?.[0] as Kind | undefined;
  // What cannot be read is not judged: sending it says more.
  if (!bytes) return named ?? null;
  return startOf(bytes) ?? named ?? null;
}

function startOf(bytes: Uint8Array): Kind | null {
  for (const [kind, start] of STARTS) {
    if (start.every((byte, at) => bytes[at] === byte)) return kind;
  }
  return isText(bytes) ? "text" : null;
}

/** Whether the bytes are text in UTF-8 and nothing else. */
function isText(bytes: Uint8Array): boolean {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    // eslint-disable-next-line no-control-regex -- that is what tells texts from other files
    return !/[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text);
  } catch {
    return false;
  }
}
