/** The player as a chunk of its own, for pages that show it. */

import { later } from "../app/later";

export const Player = later(() => import("./Player").then((module) => module.Player));
