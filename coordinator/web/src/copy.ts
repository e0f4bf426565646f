// <copy-text value="…">: adds a button that copies the whole value; without a script the text is still there to select.

export class CopyText extends HTMLElement {
  connectedCallback(): void {
    if (this.querySelector("button") || !navigator.clipboard) return;
    const value = this.getAttribute("value") ?? "";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
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
    setTimeout(() => (button.textContent = "Copy"), 1500);
  }
}
