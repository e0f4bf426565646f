// Live regions: <… id data-live="topic">. One event stream per page says only "topic changed"; the page waits a moment,
// fetches itself and morphs the regions in place, so focus, scroll, open details and typed text survive. A region under a
// pointer, a selection or a keyboard focus is not moved; it waits and says so.

import { Idiomorph } from "idiomorph";

const DEBOUNCE_MS = 400;
const SILENCE_MS = 60_000;
const RECHECK_MS = 30_000;

const waiting = new Set<string>();
let timer: number | undefined;
let heard = Date.now();
let fetching = false;

function regions(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("[data-live][id]")];
}

/** Whether a person is busy in this region, so that it must not move. */
function busy(region: HTMLElement): boolean {
  const active = document.activeElement;
  if (active && active !== region && region.contains(active) && active.matches("input, select, textarea")) return true;
  if (region.querySelector("details.action[open], details.choice[open]")) return true;
  const selection = document.getSelection();
  if (selection && !selection.isCollapsed && selection.anchorNode && region.contains(selection.anchorNode)) return true;
  return region.id === "list" && region.matches(":hover");
}

function swap(region: HTMLElement, fresh: HTMLElement): void {
  Idiomorph.morph(region, fresh, {
    ignoreActiveValue: true,
    restoreFocus: true,
    callbacks: {
      beforeAttributeUpdated: (name: string, node: Element) =>
        !(name === "open" && node instanceof HTMLDetailsElement) && !(name === "value" && node instanceof HTMLInputElement),
      beforeNodeRemoved: (node: Node) => !(node instanceof HTMLButtonElement && node.parentElement?.localName === "copy-text"),
    },
  });
}

/** Fetches the page once and swaps every region that may move. */
export async function refresh(address: string = location.href): Promise<void> {
  if (fetching) return later();
  fetching = true;
  try {
    const reply = await fetch(address, { headers: { accept: "text/html", "fleet-refresh": "1" }, redirect: "manual" });
    if (!reply.ok) return;
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    for (const region of regions()) {
      const fresh = page.getElementById(region.id);
      if (!fresh) continue;
      if (busy(region)) {
        region.dataset["late"] = "";
        waiting.add(region.dataset["live"] ?? "");
      } else {
        delete region.dataset["late"];
        swap(region, fresh);
      }
    }
    const inbox = page.querySelector(".bar nav");
    const shown = document.querySelector<HTMLElement>(".bar nav");
    if (inbox instanceof HTMLElement && shown) swap(shown, inbox);
    told();
  } catch {
    // The coordinator is away for a moment; the stream reconnects by itself and everything is fetched again.
  } finally {
    fetching = false;
  }
}

function later(): void {
  window.clearTimeout(timer);
  timer = window.setTimeout(() => {
    waiting.clear();
    void refresh().then(() => {
      if (waiting.size > 0) window.setTimeout(later, 2000);
    });
  }, DEBOUNCE_MS);
}

function told(): void {
  heard = Date.now();
  const mark = document.querySelector<HTMLElement>("[data-stale]");
  if (mark) mark.hidden = true;
}

function watchSilence(): void {
  const mark = document.querySelector<HTMLElement>("[data-stale]");
  if (!mark || Date.now() - heard < SILENCE_MS) return;
  mark.textContent = `No contact with the coordinator since ${new Date(heard).toLocaleTimeString()}; this page may be old.`;
  mark.hidden = false;
}

export function startLive(): void {
  const topics = new Set(regions().flatMap((r) => (r.dataset["live"] ?? "").split(" ").filter((t) => t !== "")));
  if (topics.size === 0) return;
  const query = new URLSearchParams([...topics].map((t) => ["topic", t]));
  const stream = new EventSource(`/v1/live?${query.toString()}`);
  let first = true;
  stream.addEventListener("open", () => {
    told();
    // After a lost connection everything is fetched once, so that missed messages do not matter.
    if (!first) later();
    first = false;
  });
  const changed = (): void => {
    told();
    later();
  };
  stream.addEventListener("changed", changed);
  stream.addEventListener("all", changed);
  // A slow re-check stands beside the stream; it also shows that the coordinator still answers.
  window.setInterval(later, RECHECK_MS);
  window.setInterval(watchSilence, 10_000);
}
