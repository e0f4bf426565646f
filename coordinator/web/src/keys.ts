// Keys of the lists: j k move, Enter opens (it is a link), / goes to the search field, u back to the list. Off inside fields.

export function startKeys(): void {
  document.addEventListener("keydown", (event) => {
    const target = event.target as Element;
    if (event.altKey || event.ctrlKey || event.metaKey || target.matches("input, select, textarea")) return;
    if (event.key === "j" || event.key === "k") {
      const rows = [...document.querySelectorAll<HTMLElement>("[data-keys=rows] a.row")];
      const here = rows.findIndex((r) => r === document.activeElement);
      const next = rows[here < 0 ? 0 : here + (event.key === "j" ? 1 : -1)];
      if (next) {
        next.focus();
        event.preventDefault();
      }
      return;
    }
    const named = document.querySelector<HTMLElement>(`[data-key="${CSS.escape(event.key)}"]`);
    if (named) {
      event.preventDefault();
      if (named instanceof HTMLInputElement) named.focus();
      else named.click();
    } else if (event.key === "u") {
      document.querySelector<HTMLAnchorElement>("a.back")?.click();
    }
  });
}
