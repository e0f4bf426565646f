// Records with the session of DevTools' own Recorder what is done in the installed Chromium: the same code that runs when a
// person presses "Start recording", without its panel.
import { chromium } from "playwright-core";
import { createServer } from "node:http";

const chrome = process.env.FLEET_CHROMIUM ?? "/usr/lib/chromium/chromium";

async function freePort() {
  const free = createServer();
  await new Promise((ready) => free.listen(0, "127.0.0.1", ready));
  const { port } = free.address();
  await new Promise((closed) => free.close(closed));
  return port;
}

// Opens `address` and records from there; `more` are further arguments of Chromium.
export async function record(title, address, more = []) {
  const port = await freePort();
  const browser = await chromium.launch({
    executablePath: chrome,
    args: ["--no-sandbox", `--remote-debugging-port=${port}`, "--remote-allow-origins=*", ...more],
  });
  const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  await page.goto(address);
  const targets = await (await fetch(`http://127.0.0.1:${port}/json`)).json();
  const target = targets.find((one) => one.url === page.url());
  const tools = await (await browser.newContext()).newPage();
  await tools.goto(`http://127.0.0.1:${port}/devtools/inspector.html?ws=127.0.0.1:${port}/devtools/page/${target.id}`);
  await tools.evaluate(async (title) => {
    const recorder = await import("./panels/recorder/models/models.js");
    const sdk = await import("./core/sdk/sdk.js");
    const selectorTypesToRecord = ["aria", "css", "text", "xpath", "pierce"];
    for (let tries = 0; ; tries++) {
      try {
        const target = sdk.TargetManager.TargetManager.instance().primaryPageTarget();
        window.session = new recorder.RecordingSession.RecordingSession(target, { title, selectorTypesToRecord });
        await window.session.start();
        return;
      } catch (error) {
        // the tools learn of the page's frames bit by bit
        if (tries === 100) throw error;
        await new Promise((later) => setTimeout(later, 300));
      }
    }
  }, title);

  // Two acts at once would be taken for one: each waits until the recording has not grown for a while.
  const written = () => tools.evaluate(() => JSON.stringify(window.session.cloneUserFlow()));
  async function settled() {
    for (let before = "", now = await written(); before !== now; now = await written()) {
      before = now;
      await page.waitForTimeout(400);
    }
  }
  return {
    page,
    click: async (where, selector) => { await where.click(selector); await settled(); },
    type: async (text) => { await page.keyboard.type(text, { delay: 20 }); await settled(); },
    // What the Recorder exports; ends the browser.
    finish: async () => {
      const flow = JSON.parse(await written());
      await browser.close();
      return flow;
    },
  };
}
