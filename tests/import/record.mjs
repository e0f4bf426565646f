// Renews agent/tests/import/fixtures/chromium156.json: opens invented pages in the installed Chromium, records a walk through them
// with the session of DevTools' own Recorder, and writes what it exports. Run by hand when the Chromium in use changes:
// `node record.mjs > ../../agent/tests/import/fixtures/chromium156.json`, then look at what is different.
import { createServer } from "node:http";
import { record } from "./recorder.mjs";

const pages = {
  "/login": `<title>Briar Review - Sign in</title><h1>Sign in</h1><form action="/home">
    <label><input type="checkbox" id="agree" name="agree"> I agree to the disclosure</label>
    <label for="userName">User name</label><input id="userName" name="u">
    <label for="password">Password</label><input id="password" type="password" name="p">
    <button id="logIn">Log In</button></form>`,
  "/home": `<title>Briar Review - Case</title><h1>Case</h1><form action="/done" method="post">
    <fieldset><legend>Urgency</legend>
      <label><input type="radio" name="urgency" id="urgency-1"> Standard</label>
      <label><input type="radio" name="urgency" id="urgency-2"> Expedited</label></fieldset>
    <table><tr><td>Member ID</td><td><input id="ctl00_k7Qx2_txtMember"></td></tr></table>
    <label>Date of birth <input id="dob" placeholder="MM/DD/YYYY"></label>
    <label for="note">Clinical note</label><textarea id="note"></textarea>
    <label for="npi">Provider</label><input id="npi" role="combobox" aria-expanded="false" aria-controls="list">
    <ul id="list" role="listbox" hidden><li role="option" id="o1">1000000012 Alder Clinic</li></ul>
    <briar-codes></briar-codes>
    <div><button type="button" class="add"><span>Add line</span></button></div>
    <iframe src="/frame" title="Details"></iframe>
    <button class="btn btn-primary"><span>Submit Case</span></button></form>
    <script>
      customElements.define("briar-codes", class extends HTMLElement {
        connectedCallback() {
          this.attachShadow({ mode: "open" }).innerHTML =
            '<label for="diagnosis">Diagnosis code</label><input id="diagnosis"><button type="button">Look up</button>';
        }
      });
      const field = document.getElementById("npi"), list = document.getElementById("list");
      field.addEventListener("input", () => { list.hidden = false; });
      list.addEventListener("mousedown", (event) => event.preventDefault());
      list.addEventListener("click", () => { field.value = list.innerText; list.hidden = true; });
    </script>`,
  "/frame": `<title>Details</title><label for="inner">Reason</label><input id="inner"><button>Keep</button>`,
  "/done": `<title>Briar Review - Result</title><h1>Case V0123456789</h1>`,
};
const host = "https://review.briar.example";

const server = createServer((call, answer) => {
  answer.setHeader("content-type", "text/html");
  answer.end(`<!doctype html>${pages[call.url.split("?")[0]] ?? ""}`);
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const base = `http://127.0.0.1:${server.address().port}`;

const { page, click, type, finish } = await record("walk", `${base}/login`);
await click(page, "#agree");
await click(page, "#userName");
await type("irowan.clinic");
await page.keyboard.press("Tab");
await type("Quill-Basin-77!");
await click(page, "#logIn");
await click(page, "#urgency-2");
const fields = { "#ctl00_k7Qx2_txtMember": "BRX-5520917", "#dob": "03/14/1957", "#note": "Fell twice", "#npi": "1000" };
for (const [selector, text] of Object.entries(fields)) {
  await click(page, selector);
  await type(text);
}
await click(page, "#o1");
await click(page, "briar-codes #diagnosis");
await type("M54.5");
await click(page, "briar-codes button");
await click(page, ".add");
const frame = page.frames().find((one) => one.url().endsWith("/frame"));
await click(frame, "#inner");
await type("why");
await click(frame, "button");
await click(page, ".btn-primary");

const flow = await finish();
server.close();
console.log(JSON.stringify(flow, null, 4).replaceAll(base, host));
