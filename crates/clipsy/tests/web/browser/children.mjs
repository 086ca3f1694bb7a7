// The processes in which the server handles media.

import { readdirSync, readFileSync } from "node:fs";

/** Ends those that transcode, as the kernel does when memory runs out. True if there were any. */
export function runOutOfMemory(server) {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const found = pids.filter((pid) => {
    try {
      // The name of the program may hold anything, a bracket too.
      const [, parent] = readFileSync(`/proc/${pid}/stat`, "utf8").split(")").at(-1).trim().split(" ");
      return Number(parent) === server && readFileSync(`/proc/${pid}/cmdline`, "utf8") === "clipsy\0child\0";
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
  for (const pid of found) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
    }
  }
  return found.length > 0;
}
