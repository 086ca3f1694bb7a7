/** Files as people hand them over, with handles where the browser gives some. */

import type { Visibility } from "../gql/graphql";

import type { FileHandle } from "./kept";

type Picker = (options: {
  multiple: boolean;
  types: { description: string; accept: Record<string, string[]> }[];
}) => Promise<FileHandle[]>;

const ENDINGS = [".mkv", ".ts", ".m2ts", ".mxf", ".flv", ".rm"];
/** For `<input type="file">`. */
export const ACCEPT = ["video/*", ...ENDINGS].join(",");

/** Asks for files by handles; null where the browser has no such thing, an empty list when nothing was chosen. */
export async function pickFiles(description: string): Promise<File[] | null> {
  const { showOpenFilePicker } = globalThis as { showOpenFilePicker?: Picker };
  if (!showOpenFilePicker) return null;
  let picked: FileHandle[];
  try {
    picked = await showOpenFilePicker({ multiple: true, types: [{ description, accept: { "video/*": ENDINGS } }] });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return [];
    // Forbidden here, as in some frames: the old way still works.
    return null;
  }
  return openAll(picked);
}

/** The files of a drop, without folders. Has to be called before anything is awaited, since a drop's data is gone then. */
export function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  // A folder is among the files as one that cannot be read.
  const items = [...transfer.items].filter((item) => item.kind === "file" && !item.webkitGetAsEntry()?.isDirectory);
  const files = items.flatMap((item) => item.getAsFile() ?? []);
  const asked = items
    .map((item) => (item as { getAsFileSystemHandle?: () => Promise<FileSystemHandle | null> }).getAsFileSystemHandle?.())
    .map((one) => one?.catch(() => null) ?? Promise.resolve(null));
  return withHandles(files, asked);
}

async function withHandles(files: File[], asked: Promise<FileSystemHandle | null>[]): Promise<File[]> {
  const found = await Promise.all(asked);
  const usable = found.filter((handle) => handle?.kind === "file") as FileHandle[];
  // Things that are no files on a disk: what the drop says itself.
  if (usable.length !== files.length || files.length === 0) return files;
  return openAll(usable).catch(() => files);
}

async function openAll(handles: FileHandle[]): Promise<File[]> {
  const { openHandle } = await import("./kept");
  return Promise.all(handles.map(openHandle));
}

/** Where it is kept who may see new uploads. */
const KEY = "clipsy.visibility";

/** Who may see new uploads, as chosen on the page for uploads; nobody else until then. */
export function usualVisibility(): Visibility {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === "PUBLIC" || stored === "UNLISTED" ? stored : "PRIVATE";
  } catch {
    return "PRIVATE";
  }
}

/** Chooses it. */
export function keepVisibility(visibility: Visibility) {
  try {
    localStorage.setItem(KEY, visibility);
  } catch {
    // Then it holds for this visit of the page.
  }
}
