/**
 * What this browser keeps of files whose upload is not finished, so that it can go on after a reload:
 * a fingerprint, by which the file is recognised, and, where the browser has such a thing (File System
 * Access, which is Chromium so far), a handle that opens the file again without choosing it.
 *
 * Everything here may fail, as it does in private windows; then the file has to be chosen again and is
 * recognised by its name and size.
 */

/** The parts of the File System Access API that TypeScript's own types lack. */
export interface FileHandle extends FileSystemFileHandle {
  queryPermission?: (wanted: { mode: "read" }) => Promise<PermissionState>;
  requestPermission?: (wanted: { mode: "read" }) => Promise<PermissionState>;
}

interface Kept {
  print: string;
  handle: FileHandle | null;
  /** Milliseconds since 1970. */
  at: number;
}

const DATABASE = "clipsy.uploads";
const STORE = "files";
/** The server forgets unfinished uploads long before. */
const KEPT_MS = 30 * 24 * 3_600_000;
const SAMPLE_BYTES = 64 * 1024;

/** Handles of files that were opened by one, until their upload has a name. */
const handles = new WeakMap<File, FileHandle>();

/** Opens a handle's file and remembers where it came from. */
export async function openHandle(handle: FileHandle): Promise<File> {
  const file = await handle.getFile();
  handles.set(file, handle);
  return file;
}

/** Keeps what is needed to go on with an upload. */
export async function keepFile(uploadId: string, file: File) {
  const kept: Kept = { print: await fingerprint(file), handle: handles.get(file) ?? null, at: Date.now() };
  await inStore("readwrite", (store) => store.put(kept, uploadId));
}

export async function forgetFile(uploadId: string) {
  await inStore("readwrite", (store) => store.delete(uploadId));
}

/** Forgets what nobody will come back for. */
export async function forgetOldFiles(now: number) {
  await inStore("readwrite", (store) => {
    const walk = store.openCursor();
    walk.onsuccess = () => {
      const { result } = walk;
      if (!result) return;
      if (now - (result.value as Kept).at > KEPT_MS) result.delete();
      result.continue();
    };
    return walk;
  });
}

/** The handle of an upload's file, if there is one. */
export async function handleOf(uploadId: string): Promise<FileHandle | null> {
  return (await read(uploadId))?.handle ?? null;
}

/** Whether a file is the one whose upload was begun; without a fingerprint there is nothing against it. */
export async function isSameFile(uploadId: string, file: File): Promise<boolean> {
  const kept = await read(uploadId);
  return !kept || kept.print === (await fingerprint(file));
}

/** Size and a hash of samples: good enough to tell files apart, quick for those of many gigabytes. */
export async function fingerprint(file: Blob): Promise<string> {
  const middle = Math.max(0, Math.floor(file.size / 2) - SAMPLE_BYTES / 2);
  const last = Math.max(0, file.size - SAMPLE_BYTES);
  let hash = FNV_BASIS;
  for (const from of [0, middle, last]) {
    hash = fnv(hash, new Uint8Array(await file.slice(from, from + SAMPLE_BYTES).arrayBuffer()));
  }
  return `${file.size}-${hash.toString(16)}`;
}

// FNV-1a in 64 bits would need big numbers for each byte; 32 bits of three samples and the size do.
const FNV_BASIS = 0x811c9dc5;

function fnv(hash: number, bytes: Uint8Array): number {
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

async function read(uploadId: string): Promise<Kept | null> {
  return ((await inStore("readonly", (store) => store.get(uploadId))) as Kept | undefined) ?? null;
}

/** Runs one request; gives back its result once the transaction is through. */
async function inStore(mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest): Promise<unknown> {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = ask(transaction.objectStore(STORE));
      const fail = () => reject(transaction.error ?? new Error("the browser's database gave up"));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = fail;
      transaction.onabort = fail;
    });
  } finally {
    database.close();
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("no database"));
  });
}
