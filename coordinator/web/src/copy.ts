// <copy-text value="…">: adds a button that copies the whole value; without a script the text is still there to select.

export class CopyText extends HTMLElement {
  connectedCallback(): void {
    if (this.querySelector("button") || !navigator.clipboard) return;
    const value = this.getAttribute("value") ?? "";
    const button = document.createElement("button");
    button.type = "button";
    button.append(icon());
    button.setAttribute("aria-label", `Copy ${this.textContent?.trim() ?? ""}`);
    button.addEventListener("click", (event) => {
      event.preventDefault();
      void navigator.clipboard.writeText(value).then(
        () => this.say(button, "Copied"),
        () => this.say(button, "Not copied"),
      );
    });
    this.append(button);
  }

  private say(button: HTMLButtonElement, word: string): void {
    button.textContent = word;
    setTimeout(() => button.replaceChildren(icon()), 15);
  }
}

const SVG = "http://www.w3.org/2000/svg";

/** Two sheets, drawn like the icons of the pages. */
function icon(): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", "M6 5.5h7v8H6zM10 5.5v-3H3v8h3");
  svg.append(path);
  return svg;
}
