// The peer of the benchmark: the same payer-claim status check written for playwright-core, on the same Chromium and the same
// simulated portal. Two ways: `fresh` opens a context and signs in for every job, as Playwright's documentation teaches;
// `reuse` signs in once per slot and keeps the context. Reads one JSON plan from standard input;
// prints a line when it is warm, waits for a line, works, prints the result, waits for a line and ends.
import { chromium } from "playwright-core";
import { createHmac } from "node:crypto";
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const plan = JSON.parse((await lines.next()).value);

function base32(text) {
  let bits = "";
  for (const letter of text) bits += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0");
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

function code(seed, unixSeconds) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(unixSeconds / 30)));
  const hash = createHmac("sha1", base32(seed)).update(counter).digest();
  const at = hash[19] & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

// Each code works once at the portal and only for a moment, so the payer's clock moves on by a step before every code, and
// between a code and its answer nobody else moves it.
let turn = Promise.resolve();
function withCode(use) {
  const mine = turn.then(async () => {
    const headers = { authorization: `Bearer ${plan.bearer}`, "content-type": "application/json" };
    await fetch(`${plan.ctl}/clock`, { method: "POST", headers, body: JSON.stringify({ advance: "PT30S" }) });
    const clock = await (await fetch(`${plan.ctl}/clock`, { headers })).json();
    return use(code(plan.seed, Date.parse(clock.now) / 1000));
  });
  turn = mine.catch(() => {});
  return mine;
}

async function signIn(page) {
  await page.goto("https://hub.crestline.test/login");
  await page.getByLabel("User ID").fill(plan.user);
  await page.getByLabel("Password").fill(plan.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  const box = page.getByLabel("Authenticator code");
  await box.waitFor();
  await withCode(async (now) => {
    await box.fill(now);
    await page.getByRole("button", { name: "Verify" }).click();
    await page.getByRole("heading", { name: "Welcome" }).waitFor();
  });
  const later = page.getByRole("button", { name: "Remind me later" });
  if (await later.isVisible()) await later.click();
}

async function check(page, job) {
  await page.goto("https://hub.crestline.test/#/home");
  const tile = page.getByRole("link", { name: "Claim Status" });
  const later = page.getByRole("button", { name: "Remind me later" });
  await tile.waitFor();
  if (await later.isVisible()) await later.click();
  await tile.click();
  const app = page.frameLocator("iframe[title=Application]");
  await app.getByLabel("Claim number").fill(job.claim);
  await app.getByLabel("Member ID").fill(job.member);
  await app.getByRole("button", { name: "Search" }).click();
  const row = app.getByRole("row").filter({ hasText: job.claim });
  const status = (await row.getByRole("cell").nth(4).innerText()).trim();
  await page.screenshot();
  return status;
}

const browser = await chromium.launch({
  executablePath: plan.chromium,
  headless: true,
  chromiumSandbox: false,
  args: [`--host-resolver-rules=${plan.rules}`, "--headless=new"],
});
const contextOptions = { ignoreHTTPSErrors: true, viewport: { width: 1280, height: 900 } };

class Slot {
  context = null;
  page = null;

  async open() {
    this.context = await browser.newContext(contextOptions);
    this.page = await this.context.newPage();
    await signIn(this.page);
  }

  async close() {
    if (!this.context) return;
    // The portal leads on by itself while the address is being opened: what counts is the page that says so.
    await this.page.goto("https://hub.crestline.test/logout").catch(() => {});
    await this.page.getByText("You have been signed out").first().waitFor();
    await this.context.close();
    this.context = null;
  }

  async work(jobs, done) {
    for (let job = jobs.shift(); job; job = jobs.shift()) {
      const began = performance.now();
      if (!this.context) await this.open();
      const status = await check(this.page, job);
      if (plan.mode === "fresh") await this.close();
      done({ seconds: (performance.now() - began) / 1000, claim: job.claim, status });
    }
  }
}

const slots = Array.from({ length: plan.slots }, () => new Slot());
// Warm: one job in every slot, so that sign-ins of reused sessions lie before the measured time, as on our side.
await Promise.all(slots.map((slot) => slot.work([plan.jobs[0]], () => {})));
console.log(JSON.stringify({ warm: true }));
await lines.next();

const jobs = [...plan.jobs];
const answers = [];
const began = performance.now();
await Promise.all(slots.map((slot) => slot.work(jobs, (answer) => answers.push(answer))));
const wall = (performance.now() - began) / 1000;
console.log(JSON.stringify({ wall_s: wall, answers }));
await lines.next();
await Promise.all(slots.map((slot) => slot.close()));
await browser.close();
process.exit(0);
