// The console's script: registers the custom elements and starts what serves every page. Nothing here is needed to
// read or to act; it makes pages follow the fleet, keys work and ids copy.

import { CopyText } from "./copy.js";
import { CountDown } from "./countdown.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { AttemptView } from "./timeline.js";

customElements.define("copy-text", CopyText);
customElements.define("count-down", CountDown);
customElements.define("attempt-view", AttemptView);
startLive();
startKeys();
