// Renews agent/tests/import/fixtures/verity.json, the recording of docs/tutorial.md: signs in at the simulated Verity Review, finds a
// case and opens it. Run by hand when the Chromium in use changes: `payer practice verity` in one terminal, in another
// `node record_verity.mjs ../../practice > ../../agent/tests/import/fixtures/verity.json`, then look at what is different.
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { record } from "./recorder.mjs";

const folder = process.argv[2] ?? "../../practice";
const ready = JSON.parse(readFileSync(`${folder}/ready.json`, "utf8"));
const { reference } = JSON.parse(readFileSync(`${folder}/request.json`, "utf8"));
const secrets = Object.fromEntries(
  [...readFileSync(`${folder}/secrets.toml`, "utf8").matchAll(/^(\w+) = "(.*)"$/gm)].map(([, alias, value]) => [alias, value]),
);

// The code in the newest message for the account, as its owner would read it.
function code() {
  const box = new URL(secrets.code);
  const [host, port] = ready.mail.addr.split(":");
  const options = {
    host, port, path: box.pathname, servername: box.hostname, agent: new Agent({ ca: readFileSync(ready.ca) }),
    headers: { host: box.hostname, authorization: `Bearer ${box.password}` },
  };
  return new Promise((found, failed) => {
    request(options, (answer) => {
      let text = "";
      answer.on("data", (part) => { text += part; });
      answer.on("end", () => found(JSON.parse(text).messages.at(-1).text.match(/code is (\d{6})/)[1]));
    }).on("error", failed).end();
  });
}

const host = "www.verity.test";
const rules = `--host-resolver-rules=MAP ${host} ${ready.hosts[host]}`;
const { page, click, type, finish } = await record("Verity: status of a case", `https://${host}/login.aspx`, [rules]);
await click(page, "input[id$=_chkAgree]");
await click(page, "input[id$=_txtUser]");
await type(secrets.user);
await click(page, "input[type=password]");
await type(secrets.password);
await click(page, "input[id$=_btnLogIn]");
await click(page, "input[id$=_txtCode]");
await type(await code());
await click(page, "input[id$=_btnContinue]");
await click(page, "text=Find a case");
await click(page, "input[id$=_txtNumber]");
await type(reference);
await click(page, "input[id$=_btnFind]");
await click(page, `a:text-is("${reference}")`);
await page.waitForSelector("text=Services");
console.log(JSON.stringify(await finish(), null, 4));
