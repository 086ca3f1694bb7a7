import "i18next";
import type en from "./en.json";
import type admin from "./en.admin.json";

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en & typeof admin };
    returnNull: false;
  }
}
