// The other engines: the tasks of MiniWoB++ written for playwright-core and puppeteer-core, once, against a small adapter that
// uses each library as its documentation teaches. The steps are those of the scripts in tests/miniwob. One JSON question per
// line on standard input, one answer per line on standard output.
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const PATIENCE = 20_000;
const OPENS = 60_000;
const VIEW = { width: 1280, height: 900 };
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const plan = JSON.parse((await lines.next()).value);
// No graphics device, as our own browser is started: drawing in software would be measured otherwise.
const args = [`--host-resolver-rules=${plan.rules}`, "--disable-gpu"];
const now = () => performance.timeOrigin + performance.now();

/** Waits until something holds. */
async function until(what, holds) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await new Promise((go) => setTimeout(go, 20))) {
    if (await holds()) return;
  }
  throw new Error(`waited in vain: ${what}`);
}

// A query: {role, name} · {label} · {text, in} · {css} · {css, has}; the first match counts.
async function playwright() {
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({ executablePath: plan.chromium, headless: true, chromiumSandbox: false, args: [...args, "--headless=new"] });
  const find = (page, q) => {
    const scope = q.in ? page.locator(q.in) : page;
    if (q.role) return scope.getByRole(q.role, q.name === undefined ? {} : { name: q.name, exact: true }).first();
    if (q.label !== undefined) return scope.getByLabel(q.label, { exact: true }).first();
    if (q.text !== undefined) return scope.getByText(q.text, { exact: true }).and(page.locator(":visible")).first();
    if (q.has !== undefined) return scope.locator(`${q.css}:visible`, { hasText: q.has }).first();
    return scope.locator(q.css).first();
  };
  return {
    async open(url, slow) {
      const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: VIEW });
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE);
      page.setDefaultNavigationTimeout(OPENS);
      if (slow) await (await context.newCDPSession(page)).send("Emulation.setCPUThrottlingRate", { rate: slow });
      await page.goto(url);
      return {
        click: (q) => find(page, q).click(),
        hover: (q) => find(page, q).hover(),
        fill: (q, text) => find(page, q).fill(text),
        check: (q) => find(page, q).check(),
        select: (q, labels) => find(page, q).selectOption(labels.map((label) => ({ label }))),
        value: (q) => find(page, q).inputValue(),
        shows: (q) => find(page, q).isVisible(),
        text: async (q) => (await find(page, q).textContent()) ?? "",
        appears: (q) => find(page, q).waitFor(),
        named: (role, name) => page.getByRole(role, { name, exact: true }).and(page.locator(":visible")).evaluateAll((all) => all.map((e) => e.id)),
        shut: () => context.close(),
      };
    },
    end: () => browser.close(),
  };
}

async function puppeteer() {
  const { default: library } = await import("puppeteer-core");
  const browser = await library.launch({ executablePath: plan.chromium, headless: true, acceptInsecureCerts: true, defaultViewport: VIEW, args: [...args, "--no-sandbox"] });
  const quoted = (text) => text.includes('"') ? `'${text}'` : `"${text}"`;
  const selector = (q) => {
    const scope = q.in ? `${q.in} ` : "";
    if (q.role) return q.name === undefined ? `${scope}::-p-aria([role="${q.role}"])` : `${scope}::-p-aria([name=${quoted(q.name)}][role="${q.role}"])`;
    if (q.label !== undefined) return `${scope}::-p-aria([name=${quoted(q.label)}])`;
    if (q.text !== undefined) return `${scope}::-p-xpath(.//*[text()[normalize-space(.)=${quoted(q.text)}]])`;
    return `${scope}${q.css}`;
  };
  return {
    async open(url, slow) {
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE);
      page.setDefaultNavigationTimeout(OPENS);
      if (slow) await page.emulateCPUThrottling(slow);
      await page.goto(url);
      const good = async (q) => {
        for (const handle of await page.$$(selector(q))) {
          if (await handle.isVisible() && (q.has === undefined || await handle.evaluate((e, has) => e.textContent.includes(has), q.has))) return handle;
        }
        return null;
      };
      // Texts may stand in parts of the page that are hidden now: there a locator, which takes the first match, waits in vain.
      const many = (q) => q.text !== undefined || q.has !== undefined;
      const click = async (q) => {
        if (!many(q)) return page.locator(selector(q)).click();
        let handle = null;
        await until("to click", async () => (handle = await good(q)));
        await handle.click();
      };
      return {
        click,
        hover: async (q) => {
          let handle = null;
          await until("to hover", async () => (handle = await good(q)));
          await handle.hover();
        },
        fill: (q, text) => page.locator(selector(q)).fill(text),
        check: async (q) => {
          const handle = await page.waitForSelector(selector(q));
          if (!(await handle.evaluate((e) => e.checked))) await click(q);
        },
        select: async (q, labels) => {
          const options = await page.$eval(selector(q), (e) => [...e.options].map((o) => [o.label, o.value]));
          await page.select(selector(q), ...labels.map((label) => options.find((o) => o[0] === label)[1]));
        },
        value: (q) => page.$eval(selector(q), (e) => e.value),
        shows: async (q) => (await good(q)) !== null,
        text: async (q) => {
          const handle = await page.waitForSelector(selector(q));
          return handle.evaluate((e) => e.textContent);
        },
        appears: (q) => page.waitForSelector(selector(q), { visible: true }),
        named: async (role, name) => {
          const ids = [];
          for (const handle of await page.$$(selector({ role, name }))) if (await handle.isVisible()) ids.push(await handle.evaluate((e) => e.id));
          return ids;
        },
        shut: () => context.close(),
      };
    },
    end: () => browser.close(),
  };
}

const button = (name) => ({ role: "button", name });
const word = (text) => ({ text, in: "#area" });
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/** Opens the calendar of a field, walks to the month and clicks the day. */
async function pickDate(e, iso) {
  const [year, month, day] = iso.split("-").map(Number);
  await e.click({ css: "#datepicker" });
  await e.appears({ css: ".ui-datepicker-title" });
  const shown = async () => {
    const [name, at] = (await e.text({ css: ".ui-datepicker-title" })).split(/\s+/);
    return Number(at) * 12 + MONTHS.indexOf(name);
  };
  for (let at = await shown(); at !== year * 12 + month - 1; at = await shown()) {
    await e.click({ css: at > year * 12 + month - 1 ? ".ui-datepicker-prev" : ".ui-datepicker-next" });
    await until("the month to change", async () => (await shown()) !== at);
  }
  await e.click({ text: String(day), in: ".ui-datepicker-calendar" });
}

/** Opens panel after panel until a word shows. */
async function search(e, link, first, last, panel, opened) {
  for (let at = first; at <= last; at++) {
    if (at > 0) {
      await e.click(panel(at));
      await e.appears(opened(at));
    }
    if (await e.shows(word(link))) return e.click(word(link));
  }
}
const tab = (n) => ({ css: `#area a[href='#tabs-${n}']` });
const tabOpened = (n) => ({ css: `#area li[aria-selected=true] a[href='#tabs-${n}']` });
const tabs = (last) => async (e, { link }) => {
  if (await e.shows(word(link))) return e.click(word(link));
  await search(e, link, 2, last, tab, tabOpened);
};
const section = (n) => ({ css: `#area h3:nth-of-type(${n})` });
const sectionOpened = (n) => ({ css: `#area h3:nth-of-type(${n})[aria-selected=true]` });
const tick = async (e, { names = [] }) => {
  for (const name of names) await e.check({ label: name });
  await e.click(button("Submit"));
};
const date = async (e, inputs) => {
  await pickDate(e, inputs.date);
  await e.click(button("Submit"));
};

const TASKS = {
  "book-flight-nodelay": async (e, { from, to, from_pick, to_pick, date }) => {
    await e.fill({ css: "#flight-from" }, from);
    await e.click({ css: ".ui-autocomplete .ui-menu-item", has: from_pick });
    await e.fill({ css: "#flight-to" }, to);
    await e.click({ css: ".ui-autocomplete .ui-menu-item", has: to_pick });
    await pickDate(e, date);
    await e.click(button("Search"));
    await e.appears({ css: "#results .flight-price" });
    return { results: await e.text({ css: "#results" }) };
  },
  "book-flight-nodelay-2": (e, { label }) => e.click(button(label)),
  "button-delay": (e) => e.click(button("ONE")),
  "button-delay-2": (e) => e.click(button("TWO")),
  "buy-ticket": (e, { label }) => e.click(button(label)),
  "choose-date": date,
  "choose-date-easy": date,
  "choose-date-medium": date,
  "choose-list": async (e, { item }) => {
    await e.select({ css: "#options" }, [item]);
    await e.click(button("Submit"));
  },
  "click-button": (e, { name }) => e.click(button(name)),
  "click-button-sequence": async (e) => {
    await e.click(button("ONE"));
    await e.click(button("TWO"));
  },
  "click-checkboxes": tick,
  "click-checkboxes-large": tick,
  "click-checkboxes-transfer": tick,
  "click-collapsible": async (e) => {
    await e.click({ role: "tab" });
    await e.click(button("Submit"));
  },
  "click-collapsible-2": (e, { link }) => search(e, link, 1, 3, section, sectionOpened),
  "click-dialog": (e) => e.click(button("Close")),
  "click-dialog-2": (e, { name }) => e.click(button(name === "x" ? "Close" : name)),
  "click-link": (e, { link }) => e.click(word(link)),
  "click-menu": async (e, { parents = [], leaf }) => {
    for (const parent of parents) await e.hover({ text: parent, in: "#area" });
    await e.click({ text: leaf, in: "#area" });
  },
  "click-option": async (e, { name }) => {
    await e.check({ label: name });
    await e.click(button("Submit"));
  },
  "click-scroll-list": async (e, { items }) => {
    await e.select({ css: "#options" }, items);
    await e.click(button("Submit"));
  },
  "click-tab": (e, { name }) => e.click({ role: "tab", name }),
  "click-tab-2": tabs(3),
  "click-tab-2-easy": (e, { link }) => e.click(word(link)),
  "click-tab-2-hard": tabs(6),
  "click-tab-2-medium": tabs(2),
  "click-test": (e) => e.click(button("Click Me!")),
  "click-test-2": (e) => e.click(button("ONE")),
  "click-widget": (e, { kind }) => e.click({ css: `[data-type=${kind}]` }),
  "copy-paste": async (e) => {
    await e.fill({ css: "#answer-input" }, await e.value({ css: "#to-copy" }));
    await e.click(button("Submit"));
  },
  "email-inbox": async (e, { name, icon, reply, text, to }) => {
    await e.click({ css: "#main .email-sender", has: name });
    if (icon) return e.click({ css: `#email .${icon}` });
    if (reply) {
      await e.click({ text: "Reply", in: "#email" });
      await e.fill({ css: "#reply-text" }, text);
      return e.click({ css: "#send-reply" });
    }
    await e.click({ text: "Forward", in: "#email" });
    await e.fill({ css: ".forward-sender" }, to);
    return e.click({ css: "#send-forward" });
  },
};

/** The browser's process: our child that runs Chromium. */
function browserProcess() {
  for (const task of readdirSync(`/proc/${process.pid}/task`)) {
    for (const child of readFileSync(`/proc/${process.pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean)) {
      if (readFileSync(`/proc/${child}/cmdline`, "utf8").includes("--host-resolver-rules")) return Number(child);
    }
  }
  throw new Error("the browser's process was not found");
}

async function answer(engine, episode, question) {
  if (question.open) return { episode: await engine.open(question.open, question.slow) };
  if (question.shut) {
    await episode?.shut();
    return {};
  }
  const began = now();
  if (question.named) {
    const read = await episode.named(question.named.role, question.named.name);
    return { began, ended: now(), read };
  }
  const read = await TASKS[question.steps](episode, question.inputs);
  return { began, ended: now(), read: read ?? {} };
}

const engine = await (plan.engine === "playwright" ? playwright() : puppeteer());
console.log(JSON.stringify({ browser: browserProcess() }));
let episode = null;
for await (const line of lines) {
  let told;
  try {
    told = await answer(engine, episode, JSON.parse(line));
    if (told.episode) episode = told.episode;
  } catch (error) {
    told = { error: String(error.message).split("\n").slice(0, 6).join(" | ") };
  }
  console.log(JSON.stringify({ ...told, episode: undefined }));
}
await engine.end();
process.exit(0);
