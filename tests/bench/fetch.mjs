// The peer of the part `fetch` of `make bench-engine`: status checks of payer claims written for playwright-core, its portal sessions
// kept, on the same Chromium and the same simulated payers. One JSON question per line on standard input, one answer per line on
// standard output; the first line is the plan.
import { chromium } from "playwright-core";
import { createHmac } from "node:crypto";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const plan = JSON.parse((await lines.next()).value);
const payers = Object.fromEntries(plan.payers.map((payer) => [payer.slug, payer]));
const rules = plan.payers.flatMap((payer) => Object.entries(payer.hosts).map(([host, at]) => `MAP ${host} ${at}`));

function base32(text) {
  let bits = "";
  for (const letter of text) bits += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0");
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

/** A one-time code with some seconds left; each works once. */
const used = new Set();
async function code(seed) {
  for (;;) {
    const second = Math.floor(Date.now() / 1000);
    const counter = Math.floor(second / 30);
    if (second % 30 < 24 && !used.has(`${seed}${counter}`)) {
      used.add(`${seed}${counter}`);
      const message = Buffer.alloc(8);
      message.writeBigUInt64BE(BigInt(counter));
      const hash = createHmac("sha1", base32(seed)).update(message).digest();
      return String((hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
    }
    await new Promise((go) => setTimeout(go, 500));
  }
}

const usDate = (iso) => `${iso.slice(5, 7)}/${iso.slice(8, 10)}/${iso.slice(0, 4)}`;
const button = (page, name) => page.getByRole("button", { name, exact: true });

// Each payer: how to sign in, once, and a check of one claim that ends with the word for its state.
const portals = {
  crestline: {
    async signIn(page, account) {
      await page.goto("https://hub.crestline.test/login");
      await page.getByLabel("User ID").fill(account.id);
      await page.getByLabel("Password").fill(account.password);
      await button(page, "Sign in").click();
      const box = page.getByLabel("Authenticator code");
      await box.waitFor();
      await box.fill(await code(account.totp_seed));
      await button(page, "Verify").click();
      await page.getByRole("heading", { name: "Welcome" }).waitFor();
      const later = button(page, "Remind me later");
      if (await later.isVisible()) await later.click();
    },
    async check(page, { number, member }) {
      await page.goto("https://hub.crestline.test/#/home");
      await page.getByRole("link", { name: "Claim Status" }).click();
      const app = page.frameLocator("iframe[title=Application]");
      await app.getByLabel("Claim number").fill(number);
      await app.getByLabel("Member ID").fill(member.id);
      await app.getByRole("button", { name: "Search" }).click();
      return app.getByRole("row").filter({ hasText: number }).getByRole("cell").nth(4).innerText();
    },
  },
  harbor: {
    async signIn(page, account) {
      await page.goto("https://mmis.harbor.test/pa/banner");
      await button(page, "I Accept").click();
      await page.locator("input[name=userId]").fill(account.id);
      await page.locator("input[name=password]").fill(account.password);
      await button(page, "Sign On").click();
      await page.waitForURL(/index/);
    },
    async check(page, { number, member, from }) {
      await page.goto("https://mmis.harbor.test/pa/claimInquiry");
      await page.locator("input[name=icn]").fill(number);
      await page.locator("input[name=memberId]").fill(member.id);
      await page.locator("input[name=serviceDate]").fill(usDate(from));
      await button(page, "Search Claims").click();
      await page.getByRole("link", { name: number }).click();
      return page.locator("td[title='Claim Status']").innerText();
    },
  },
  larkfield: {
    async signIn(page, account) {
      await page.goto("https://provider.larkfield.test/app");
      await page.getByLabel("Username").fill(account.id);
      await button(page, "Next").click();
      await page.getByLabel("Password").fill(account.password);
      await button(page, "Sign in").click();
      const box = page.getByLabel("One-time code");
      await box.waitFor();
      await box.fill(await code(account.totp_seed));
      await button(page, "Verify").click();
      const welcome = page.getByRole("heading", { name: "Welcome" });
      for (const next of ["Allow", "Not now"]) {
        await button(page, next).or(welcome).first().waitFor();
        if (await button(page, next).isVisible()) await button(page, next).click();
      }
      await welcome.waitFor();
    },
    async check(page, { number, member, from }) {
      await page.goto("https://provider.larkfield.test/app/claims");
      await page.getByLabel("Claim number").fill(number);
      await page.getByLabel("Member ID").fill(member.id);
      await page.getByLabel("Date of service").fill(usDate(from));
      await button(page, "Search claims").click();
      return page.getByRole("row").filter({ hasText: number }).getByRole("cell").nth(7).innerText();
    },
  },
  planbridge: {
    async signIn(page, account) {
      await page.goto("https://www.planbridge.test/login");
      await page.getByLabel("User ID").fill(account.id);
      await button(page, "Continue").click();
      await page.locator("input[name=password]").fill(account.password);
      await page.getByLabel("Your Answer").fill(account.answer);
      await button(page, "Sign In").click();
      const welcome = page.getByText(/^Welcome, /);
      const accept = button(page, "Accept Terms");
      await accept.or(welcome).first().waitFor();
      if (await accept.isVisible()) {
        await page.locator(".scroll .end").scrollIntoViewIfNeeded();
        await accept.click();
      }
      await welcome.waitFor();
    },
    async check(page, { number, member, from }) {
      await page.goto("https://www.planbridge.test/claims");
      await page.getByLabel("Claim Number").fill(number);
      await page.getByLabel("Member ID").fill(member.id);
      await page.locator("input[name=serviceDate]").fill(usDate(from));
      await button(page, "Find Claims").click();
      await page.getByRole("link", { name: number }).click();
      return page.locator("td[title='Claim Status']").innerText();
    },
  },
};

const browser = await chromium.launch({
  executablePath: ["/usr/lib/chromium/chromium", "/usr/lib/chromium-browser/chromium-browser"].find((path) => existsSync(path)),
  headless: true,
  chromiumSandbox: false,
  // No graphics device, as our own browser is started: drawing in software would be measured otherwise.
  args: [`--host-resolver-rules=${rules.join(",")},MAP * ~NOTFOUND`, "--disable-gpu", "--headless=new"],
});

/** Payer → its page, signed in once and kept. */
const pages = new Map();
async function check({ payer, inputs }) {
  const portal = portals[payer];
  let page = pages.get(payer);
  if (!page) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 900 } });
    page = await context.newPage();
    page.setDefaultTimeout(30_000);
    await portal.signIn(page, payers[payer].account);
    pages.set(payer, page);
  }
  const began = performance.now();
  const status = (await portal.check(page, inputs)).trim();
  await page.screenshot();
  return { ms: performance.now() - began, status };
}

console.log(JSON.stringify({ ready: true }));
for await (const line of { [Symbol.asyncIterator]: () => lines }) {
  let answer;
  try {
    answer = await check(JSON.parse(line));
  } catch (error) {
    answer = { error: String(error) };
  }
  console.log(JSON.stringify(answer));
}
await browser.close();
process.exit(0);
