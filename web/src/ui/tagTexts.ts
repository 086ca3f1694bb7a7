/** English texts of the field for tags; they come with it. Other languages come as a whole. */

import { addTexts } from "../i18n";
import texts from "../i18n/en.tags.json";

addTexts(texts);
