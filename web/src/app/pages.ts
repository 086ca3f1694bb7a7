/** The pages that are chunks of their own: all but the library. */

import { later } from "./later";

export const Watch = later(() => import("../pages/watch/Watch").then((page) => page.default));
export const SignIn = later(() => import("../pages/account/SignIn").then((page) => page.default));
export const Account = later(() => import("../pages/account/Account").then((page) => page.default));
export const Upload = later(() => import("../pages/Upload").then((page) => page.default));
export const Studio = later(() => import("../pages/studio/Studio").then((page) => page.default));
export const StudioVideo = later(() => import("../pages/studio/StudioVideo").then((page) => page.default));
export const Admin = later(() => import("../pages/admin/Admin").then((page) => page.default));
