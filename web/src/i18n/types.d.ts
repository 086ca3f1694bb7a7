import "i18next";
import type en from "./en.json";
import type admin from "./en.admin.json";
import type account from "./en.account.json";
import type studio from "./en.studio.json";

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en & typeof account & typeof admin & typeof studio };
    returnNull: false;
  }
}
