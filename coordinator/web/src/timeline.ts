// <attempt-view>: choosing a step or a picture swaps the view in place and keeps the address true; ↑ ↓ move, [ ] go through
// the pictures, Home selects the failed step, c copies the reference. While running the newest step is followed until a
// person chooses one.

import { refresh } from "./live.js";

export class AttemptView extends HTMLElement {
  private readonly stop = new AbortController();

  connectedCallback(): void {
    const { signal } = this.stop;
    this.addEventListener("click", (event) => this.onClick(event), { signal });
    document.addEventListener("keydown", (event) => this.onKey(event), { signal });
    window.addEventListener("popstate", () => void refresh(), { signal });
    this.reveal();
  }

  disconnectedCallback(): void {
    this.stop.abort();
  }

  private onClick(event: MouseEvent): void {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    const link = (event.target as Element | null)?.closest("a");
    if (link?.getAttribute("href")?.startsWith("?")) {
      event.preventDefault();
      this.go(link);
    }
  }

  /** Shows what the link names, without leaving the page. */
  private go(link: HTMLAnchorElement): void {
    history.replaceState(null, "", link.search);
    // A finished attempt has no topic, so the view becomes a region for this one fetch.
    const had = this.dataset["live"];
    this.dataset["live"] = had ?? "here";
    void refresh().then(() => {
      if (had === undefined) delete this.dataset["live"];
      this.reveal();
      if (matchMedia("(max-width: 719px)").matches) this.querySelector("#picture")?.scrollIntoView();
    });
  }

  /** Scrolls the list of steps, and nothing else, to the chosen one. */
  private reveal(): void {
    const list = this.querySelector<HTMLElement>(".steps");
    const chosen = list?.querySelector<HTMLElement>("[aria-current]");
    if (!list || !chosen) return;
    const top = chosen.getBoundingClientRect().top - list.getBoundingClientRect().top;
    if (top < 40 || top > list.clientHeight - 40) list.scrollTop += top - list.clientHeight / 2;
  }

  private onKey(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey || (event.target as Element).matches("input, select, textarea")) return;
    const steps = [...this.querySelectorAll<HTMLAnchorElement>(".steps a")];
    const shots = [...this.querySelectorAll<HTMLAnchorElement>(".panel .tabs a")];
    const at = (list: HTMLAnchorElement[]): number => list.findIndex((a) => a.hasAttribute("aria-current"));
    let to: HTMLAnchorElement | undefined;
    if (event.key === "ArrowDown") to = steps[at(steps) + 1];
    else if (event.key === "ArrowUp") to = steps[at(steps) - 1];
    else if (event.key === "]") to = shots[at(shots) + 1];
    else if (event.key === "[") to = shots[at(shots) - 1];
    else if (event.key === "Home") to = this.querySelector<HTMLAnchorElement>(".steps a[data-failed]") ?? undefined;
    else if (event.key === "c") this.querySelector<HTMLButtonElement>(".values copy-text button, .commit-card copy-text button")?.click();
    if (to) {
      event.preventDefault();
      this.go(to);
    }
  }
}
