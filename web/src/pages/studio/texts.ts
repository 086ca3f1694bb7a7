/** English texts of the page of one video in the studio; they come with it. Other languages come as a whole. */

import i18n from "i18next";
import texts from "../../i18n/en.studio.json";

i18n.addResourceBundle("en", "translation", texts, true);
