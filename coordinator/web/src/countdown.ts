// <count-down until="RFC 3339">: the time left, every second in the text, spoken only at two minutes and thirty seconds.

export class CountDown extends HTMLElement {
  private timer: number | undefined;

  connectedCallback(): void {
    this.setAttribute("role", "timer");
    this.setAttribute("aria-live", "off");
    this.tick();
    this.timer = window.setInterval(() => this.tick(), 1000);
  }

  disconnectedCallback(): void {
    window.clearInterval(this.timer);
  }

  private tick(): void {
    const until = Date.parse(this.getAttribute("until") ?? "");
    if (Number.isNaN(until)) return;
    const left = Math.round((until - Date.now()) / 1000);
    this.setAttribute("aria-live", left === 120 || left === 30 ? "polite" : "off");
    const two = (n: number): string => String(n).padStart(2, "0");
    this.textContent = left > 0 ? `${two(Math.floor(left / 60))}:${two(left % 60)} left` : "time is over";
    if (left <= 0) window.clearInterval(this.timer);
  }
}
