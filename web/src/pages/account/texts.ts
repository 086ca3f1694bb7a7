/** English texts of the page of one's account; they come with it. Other languages come as a whole. */

import { addTexts } from "../../i18n";
import texts from "../../i18n/en.account.json";

addTexts(texts);
