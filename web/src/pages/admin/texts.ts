/** English texts that only administrators read; they come with these pages. Other languages come as a whole. */

import i18n from "i18next";
import texts from "../../i18n/en.admin.json";

i18n.addResourceBundle("en", "translation", texts, true);
