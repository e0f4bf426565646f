// Put before everything else into each MiniWoB++ page by the benchmark's own server, the same for every engine: starts the
// episode with its seed, tells the server what it asks and how it ended, and, where asked for, makes the page hostile.
(() => {
  const ask = new URLSearchParams(location.search);
  const seed = Number(ask.get("wob_seed"));
  const hostile = new Set((ask.get("wob_hostile") || "").split(",").filter(Boolean));
  const tell = (what, body) =>
    fetch(`/tell/${ask.get("wob_episode")}/${what}`, { method: "POST", body: JSON.stringify(body), keepalive: true });
  // Chance of our own: the page's is seeded, and drawing from it would change the task.
  let state = seed * 2654435761 + 12345;
  const chance = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;

  // Click handlers run up to 200 ms late, in the order of the clicks.
  if (hostile.has("delay")) {
    const { addEventListener, removeEventListener } = EventTarget.prototype;
    const late = new WeakMap();
    let due = 0;
    const delayed = (listener) => {
      if (!late.has(listener)) late.set(listener, function (event) {
        due = Math.max(due, performance.now() + chance() * 200);
        setTimeout(() => typeof listener === "function" ? listener.call(this, event) : listener.handleEvent(event), due - performance.now());
      });
      return late.get(listener);
    };
    EventTarget.prototype.addEventListener = function (type, listener, options) {
      return addEventListener.call(this, type, type === "click" && listener ? delayed(listener) : listener, options);
    };
    EventTarget.prototype.removeEventListener = function (type, listener, options) {
      return removeEventListener.call(this, type, (type === "click" && late.get(listener)) || listener, options);
    };
  }

  // Every 50 ms the content is taken out of the document and put back, as a framework does that renders anew; what holds
  // the focus stays, and so do scroll positions.
  const OWN = "script,style,link,#wrap,#query,#reward-display,#click-canvas,#sync-task-cover,.wob-overlay";
  const scrolled = new Set();
  const renderAgain = (el) => {
    if (el.matches(OWN)) return;
    const active = document.activeElement;
    if (active !== document.body && el.contains(active)) {
      if (el !== active) [...el.children].forEach(renderAgain);
      return;
    }
    const before = [...scrolled].filter((e) => el.contains(e)).map((e) => [e, e.scrollTop, e.scrollLeft]);
    el.parentNode.insertBefore(el, el.nextSibling);
    for (const [e, top, left] of before) { e.scrollTop = top; e.scrollLeft = left; }
  };
  const rendering = () => {
    addEventListener("scroll", (event) => { if (event.target.nodeType === 1) scrolled.add(event.target); }, true);
    setInterval(() => {
      for (const el of document.querySelectorAll("#area > *, body > *")) renderAgain(el);
    }, 50);
  };

  // Half a second with something transparent over everything.
  const covering = () => {
    const cover = document.createElement("div");
    cover.className = "wob-overlay";
    cover.style.cssText = "position:fixed;inset:0;z-index:2147483647;background:rgba(255,255,255,.5)";
    document.documentElement.append(cover);
    setTimeout(() => cover.remove(), 500);
  };

  // Everything sways for 800 ms, and for 150 ms in each second after that.
  const moving = () => {
    const began = performance.now();
    const step = () => {
      const t = performance.now() - began;
      if (t < 800 || t % 1000 < 150) {
        document.body.style.translate = `${30 * Math.sin(t / 60)}px ${10 * Math.cos(t / 45)}px`;
        requestAnimationFrame(step);
      } else {
        document.body.style.translate = "none";
        setTimeout(step, 1000 - (t % 1000));
      }
    };
    step();
  };

  const begin = () => {
    Math.seedrandom(seed);
    core.EPISODE_MAX_TIME = 1e6;
    const end = core.endEpisode;
    core.endEpisode = function (...args) {
      end.apply(this, args);
      if (WOB_DONE_GLOBAL) tell("done", { raw: WOB_RAW_REWARD_GLOBAL, at: Date.now() });
    };
    core.startEpisodeReal();
    if (hostile.has("rerender")) rendering();
    if (hostile.has("overlay")) covering();
    if (hostile.has("moving")) moving();
    const ready = () => WOB_TASK_READY
      ? tell("ready", { utterance: core.getUtterance(), shown: document.querySelector("#area")?.innerText || "" })
      : setTimeout(ready, 5);
    ready();
  };
  // After the page's own `onload`.
  addEventListener("load", () => setTimeout(begin, 0));
})();
