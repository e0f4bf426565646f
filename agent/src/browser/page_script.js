// The page script: runs in an isolated world of every frame, changes nothing in the document and is
// never needed by the page. It proposes candidates and reports facts; deciding is done outside.
(() => {
  if (globalThis.__agent) return;
  const BLOCK = new Set(("ADDRESS ARTICLE ASIDE BLOCKQUOTE BODY CAPTION DD DETAILS DIALOG DIV DL DT FIELDSET FIGURE " +
    "FOOTER FORM H1 H2 H3 H4 H5 H6 HEADER HR LEGEND LI MAIN NAV OL OPTION P PRE SECTION SUMMARY TABLE TBODY TD TFOOT TH THEAD TR UL BR")
    .split(" "));
  const SKIP = new Set(["SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT", "HEAD"]);
  const CONTROL = "input:not([type=hidden]),textarea,select,button,meter,output,progress,[contenteditable=''],[contenteditable=true]," +
    ["textbox", "combobox", "listbox", "checkbox", "radio", "switch", "spinbutton", "slider", "searchbox", "button"]
      .map((r) => `[role=${r}]`).join(",");
  const TEST_ID = ["data-testid", "data-test", "data-test-id", "data-qa", "data-cy"];
  const kept = new Map();
  let nextToken = 1;
  // Elements seen, by number: a handle outside is a number in here, and holds nothing alive.
  const numbers = new WeakMap(), seen = new Map();
  let nextNumber = 1, pruneAt = 4096;
  const numberOf = (el) => {
    let n = numbers.get(el);
    if (!n) {
      n = nextNumber++;
      numbers.set(el, n);
      seen.set(n, new WeakRef(el));
      if (seen.size > pruneAt) {
        for (const [k, ref] of seen) if (!ref.deref()) seen.delete(k);
        pruneAt = Math.max(4096, seen.size * 2);
      }
    }
    return n;
  };
  const numbered = (n) => seen.get(n)?.deref();

  // ---- trees -------------------------------------------------------------------------------
  const flatParent = (n) => n.assignedSlot || n.parentElement ||
    (n.parentNode instanceof ShadowRoot ? n.parentNode.host : n.getRootNode() instanceof ShadowRoot ? n.getRootNode().host : null);
  const flatContains = (outer, n) => {
    for (let at = n; at; at = flatParent(at)) if (at === outer) return true;
    return false;
  };
  const closest = (el, selector) => {
    for (let at = el; at; at = flatParent(at)) if (at.matches && at.matches(selector)) return at;
    return null;
  };
  // All elements in document order, open shadow roots entered.
  const all = (root, out = []) => {
    const walk = (n) => {
      for (let c = n.firstElementChild; c; c = c.nextElementSibling) {
        out.push(c);
        if (c.shadowRoot) walk(c.shadowRoot);
        walk(c);
      }
    };
    if (root.shadowRoot) walk(root.shadowRoot);
    walk(root);
    return out;
  };
  const select = (root, selector) => all(root).filter((e) => e.matches(selector));

  // ---- texts -------------------------------------------------------------------------------
  const gather = (n, out, seen, skipControls) => {
    if (n.nodeType === 3) { out.push(n.data); return; }
    if (n.nodeType === 1) {
      if (SKIP.has(n.tagName)) return;
      if (seen && !visible(n)) return;
      if (n.tagName === "INPUT") {
        if (!skipControls && /^(submit|button|reset)$/.test(n.type)) out.push(" ", n.value, " ");
        return;
      }
      if (skipControls && /^(SELECT|TEXTAREA|BUTTON)$/.test(n.tagName)) return;
      if (seen && /^(SELECT|TEXTAREA)$/.test(n.tagName)) return;
    }
    const block = n.nodeType === 1 && BLOCK.has(n.tagName);
    if (block) out.push(seen ? "\n" : " ");
    const kids = n.tagName === "SLOT" && n.assignedNodes().length ? n.assignedNodes() : (n.shadowRoot || n).childNodes;
    for (const c of kids) gather(c, out, seen, skipControls);
    if (block) out.push(seen ? "\n" : " ");
  };
  const text = (n, skipControls) => { const out = []; gather(n, out, false, skipControls); return out.join(""); };
  const tidy = (s) => s.replace(/\s+/g, " ").trim();
  const idRefs = (el, attr) => (el.getAttribute(attr) || "").split(/\s+/).filter(Boolean)
    .map((id) => el.getRootNode().getElementById?.(id)).filter(Boolean);
  // The labels of every control. Asked one by one, each control has the whole document looked through.
  const labelled = () => {
    const of = new Map();
    for (const label of select(document, "label")) {
      if (!label.control) continue;
      if (!of.has(label.control)) of.set(label.control, []);
      of.get(label.control).push(label);
    }
    return of;
  };
  const labels = (el, known) => {
    const out = [];
    const by = idRefs(el, "aria-labelledby").map((n) => tidy(text(n, true))).join(" ");
    if (by) out.push(by);
    if (el.getAttribute("aria-label")) out.push(el.getAttribute("aria-label"));
    for (const l of (known ? known.get(el) : el.labels) || []) out.push(tidy(text(l, true)));
    if (!el.labels) { const l = el.closest("label"); if (l) out.push(tidy(text(l, true))); }
    if (!out.length && el.tagName === "INPUT" && /^(submit|button|reset)$/.test(el.type)) out.push(el.value);
    if (!out.length && (el.tagName === "BUTTON" || el.getAttribute("role") === "button")) out.push(tidy(text(el)));
    return out.filter(Boolean);
  };
  const headingIn = (el) => { const h = select(el, "h1,h2,h3,h4,h5,h6,[role=heading],legend")[0]; return h ? tidy(text(h)) : ""; };
  const headingBefore = (el) => {
    const scope = el.closest("section,article,main,fieldset,[role=region],dialog,[role=dialog]") || el.ownerDocument;
    let last = "";
    for (const h of scope.querySelectorAll("h1,h2,h3,h4,h5,h6,[role=heading],legend")) {
      if (h.compareDocumentPosition(el) & Node.DOCUMENT_POSITION_FOLLOWING) last = tidy(text(h));
    }
    return last;
  };
  const groupNames = (el) => {
    const own = [];
    if (el.getAttribute("aria-label")) own.push(el.getAttribute("aria-label"));
    const by = idRefs(el, "aria-labelledby").map((n) => tidy(text(n))).join(" ");
    if (by) own.push(by);
    return own;
  };

  // ---- facts -------------------------------------------------------------------------------
  const visible = (el) => {
    if (!el.isConnected) return false;
    const style = el.ownerDocument.defaultView ? getComputedStyle(el) : null;
    if (!style) return false;
    if (style.display === "contents") {
      for (const c of el.childNodes) {
        if (c.nodeType === 1 && visible(c)) return true;
        if (c.nodeType === 3 && c.data.trim()) {
          const range = document.createRange();
          range.selectNode(c);
          const r = range.getBoundingClientRect();
          if (r.width > 0 && r.height > 0) return true;
        }
      }
      return false;
    }
    if (!el.checkVisibility() || style.visibility !== "visible") return false;
    const r = el.getBoundingClientRect();
    return r.width > 0 && r.height > 0;
  };
  const ariaDisabled = (el) => {
    for (let at = el; at; at = flatParent(at)) {
      const v = at.getAttribute("aria-disabled");
      if (v === "true") return true;
      if (v === "false") return false;
    }
    return false;
  };
  const enabled = (el) => {
    if (/^(BUTTON|INPUT|SELECT|TEXTAREA|OPTION|OPTGROUP|FIELDSET)$/.test(el.tagName)) {
      if (el.matches(":disabled")) return false;
      if (el.tagName === "OPTION" && el.closest("optgroup:disabled")) return false;
    }
    return !ariaDisabled(el);
  };
  const editable = (el) => enabled(el) && !el.readOnly && el.getAttribute("aria-readonly") !== "true";
  const retarget = (el) => {
    const control = closest(el, "button,[role=button],a[href],a,[role=link],[role=checkbox],[role=radio],[role=switch],[role=option],[role=tab],[role=menuitem]");
    if (el.matches("input,textarea,select,option,[contenteditable=''],[contenteditable=true]")) return el;
    if (control) return control;
    const label = closest(el, "label");
    if (label && label.control && visible(label.control)) return label.control;
    return el;
  };
  const groups = (el) => {
    const out = [];
    for (let at = flatParent(el); at; at = flatParent(at)) {
      if (!at.matches("fieldset,section,form,dialog,main,nav,aside,[role=region],[role=dialog],[role=group],[role=radiogroup],table,[role=table],[role=grid]")) continue;
      const legend = at.tagName === "FIELDSET" ? at.querySelector(":scope > legend") : at.tagName === "TABLE" ? at.caption : null;
      const name = groupNames(at)[0] || (legend ? tidy(text(legend)) : "") || (at.matches("section,dialog,[role=dialog],[role=region]") ? headingIn(at) : "");
      if (name) out.unshift(name.slice(0, 100));
    }
    return out;
  };
  const rect = (r) => ({ x: r.x, y: r.y, width: r.width, height: r.height });
  const checked = (el) => {
    if (el.tagName === "INPUT" && /^(checkbox|radio)$/.test(el.type)) return el.checked;
    if (el.tagName === "OPTION") return el.selected;
    const a = el.getAttribute("aria-checked") || el.getAttribute("aria-selected") || el.getAttribute("aria-pressed");
    return a === null || a === undefined ? null : a === "true";
  };
  const facts = (el) => {
    if (el.nodeType !== 1) el = el.parentElement || el.host || el.documentElement;
    const testId = TEST_ID.map((a) => el.getAttribute(a)).find(Boolean) || "";
    const control = el.matches(CONTROL);
    return {
      visible: visible(el), rect: rect(el.getBoundingClientRect()), tag: el.tagName.toLowerCase(),
      inputType: el.tagName === "INPUT" || el.tagName === "BUTTON" ? el.type : "", nameAttr: el.getAttribute("name") || "",
      id: el.id || "", testId, autocomplete: el.getAttribute("autocomplete") || "", text: tidy(text(el)).slice(0, 200),
      label: (control && labels(el)[0] || "").slice(0, 200), href: el.tagName === "A" ? el.href : "",
      enabled: enabled(el), editable: editable(el), required: !!el.required || el.getAttribute("aria-required") === "true",
      checked: checked(el), group: groups(el), closedRoot: inClosedRoot(el),
    };
  };
  const inClosedRoot = (el) => {
    for (let root = el.getRootNode(); root instanceof ShadowRoot; root = root.host.getRootNode()) if (root.mode === "closed") return true;
    return false;
  };

  // ---- candidates --------------------------------------------------------------------------
  const keep = (els) => { const token = nextToken++; kept.set(token, els); if (kept.size > 64) kept.delete(kept.keys().next().value); return token; };
  const loose = (s) => s.normalize("NFKC").replace(/[\u200b-\u200f\u2060\ufeff\u00ad\s]+/g, "").toLowerCase();
  const withTexts = (pairs) => ({ token: keep(pairs.map((p) => p[0])), texts: pairs.map((p) => p[1]), parents: [] });
  const textCandidates = (root, needle) => {
    const els = [], texts = [], parents = [], index = new Map();
    const want = needle === null ? null : loose(needle);
    const cache = new Map();
    for (const el of all(root)) {
      if (SKIP.has(el.tagName) || el.tagName === "HTML" || el.closest("head")) continue;
      // A parent that does not hold the words has no child that does.
      const up = flatParent(el);
      if (want !== null && up && cache.get(up) === false) { cache.set(el, false); continue; }
      const t = el.tagName === "INPUT" ? (/^(submit|button|reset)$/.test(el.type) ? el.value : "") : text(el);
      if (want !== null && !loose(t).includes(want)) { cache.set(el, false); continue; }
      if (!t.trim() || (want === null && t.length > 2000)) continue;
      let parent = -1;
      for (let at = up; at; at = flatParent(at)) if (index.has(at)) { parent = index.get(at); break; }
      index.set(el, els.length);
      els.push(el); texts.push([t.length > 20000 ? t.slice(0, 20000) : t]); parents.push(parent);
    }
    return { token: keep(els), texts, parents };
  };
  const collect = (root, kind, arg) => { // root: an element, or null for the document
    root = root || document;
    switch (kind) {
      case "css": return withTexts(select(root, arg).map((e) => [e, []]));
      case "xpath": {
        const found = document.evaluate(arg, root, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
        const out = [];
        for (let i = 0; i < found.snapshotLength; i++) if (found.snapshotItem(i).nodeType === 1) out.push([found.snapshotItem(i), []]);
        return withTexts(out);
      }
      case "test_id": return withTexts(all(root).filter((e) => TEST_ID.some((a) => e.getAttribute(a) === arg)).map((e) => [e, []]));
      case "attr": return withTexts(select(root, `[${arg}]`).map((e) => [e, [e.getAttribute(arg)]]));
      case "label": {
        const known = root === document ? labelled() : null;
        return withTexts(select(root, CONTROL).map((e) => [e, labels(e, known)]).filter((p) => p[1].length));
      }
      case "control": return withTexts(select(root, CONTROL + ",a[href]").map((e) => [e, []]));
      case "text": return textCandidates(root, arg);
      case "table": return withTexts(select(root, "table,[role=table],[role=grid],[role=treegrid]").map((e) => [e,
        [...(e.caption ? [tidy(text(e.caption))] : []), ...groupNames(e), ...(e.caption || groupNames(e).length ? [] : [headingBefore(e)])]]));
      case "dialog": return withTexts(select(root, "dialog[open],[role=dialog],[role=alertdialog]").map((e) => [e, [...groupNames(e), headingIn(e)].filter(Boolean)]));
      case "region": return withTexts(select(root, "main,nav,aside,header,footer,form,section,fieldset,[role=region],[role=group],[role=main],[role=navigation],[role=search],[role=form],[role=complementary],[role=radiogroup]")
        .map((e) => [e, [...groupNames(e), headingIn(e)].filter(Boolean)]).filter((p) => p[1].length));
    }
    throw new Error("unknown finder");
  };
  // Which of these elements lie in one of those; all by number.
  const held = (outer, inner) => {
    const containers = outer.map(numbered).filter(Boolean);
    return inner.filter((n) => { const el = numbered(n); return el && containers.some((c) => flatContains(c, el)); });
  };
  // What is told of a match: its number, the number of the control it stands for, its facts.
  const sight = (el) => {
    const control = retarget(el.nodeType === 1 ? el : el.parentElement || el.host || document.documentElement);
    return { number: numberOf(el), standsFor: numberOf(control), facts: facts(el) };
  };
  const sights = (...els) => els.map(sight);
  const pick = (token, indices) => {
    const els = kept.get(token) || [];
    kept.delete(token);
    return indices.map((i) => els[i]).filter(Boolean).map(sight);
  };
  // Finders whose every candidate is a match: candidates and facts at once.
  const matches = (root, kind, arg) => { const { token } = collect(root, kind, arg); return pick(token, [...Array(60).keys()]); };
  const rowsOf = (token) => { const els = kept.get(token) || []; kept.delete(token); return els.map(numberOf); };
  const first = (el, fn, ...args) => { const hit = globalThis.__agent[fn](el, ...args)[0]; return hit ? numberOf(hit) : null; };

  // ---- around --------------------------------------------------------------------------------
  const HOME = "form,section,fieldset,dialog,[role=dialog],[role=region],main,article,table";
  // The short texts of a part of the page with their boxes; each part is measured once per look.
  const measured = (home, known) => {
    if (known.has(home)) return known.get(home);
    const found = [], range = document.createRange();
    const walk = (n, left) => {
      for (const c of (n.shadowRoot || n).childNodes) {
        if (found.length >= left) return;
        if (c.nodeType === 1) { if (!SKIP.has(c.tagName)) walk(c, left); continue; }
        const words = c.nodeType === 3 ? tidy(c.data) : "";
        if (!words || words.length > 60) continue;
        range.selectNode(c);
        const box = range.getBoundingClientRect();
        if (box.width && box.height) found.push({ at: c.parentElement || n, words, box });
      }
    };
    walk(home, 3000);
    known.set(home, found);
    return found;
  };
  const homeOf = (el) => closest(flatParent(el) || el, HOME) || document.body;
  // The words a person takes for the label of a control that has none: beside it in its line, else right above.
  const caption = (el, known) => {
    const own = el.getBoundingClientRect(), after = /^(checkbox|radio)$/.test(el.type);
    let best = "", least = Infinity;
    for (const { at, words, box } of measured(homeOf(el), known)) {
      const line = Math.min(own.bottom, box.bottom) - Math.max(own.top, box.top) > Math.min(own.height, box.height) / 2;
      const beside = after ? box.left - own.right : own.left - box.right;
      const above = own.top - box.bottom, over = Math.min(own.right, box.right) - Math.max(own.left, box.left) > 0;
      let far = Infinity;
      if (line && beside > -4 && beside < 300) far = beside;
      else if (over && above > -4 && above < 30) far = 300 + above;
      // Where it stands is known already; what it is costs more to ask.
      if (far >= least || flatContains(el, at) || closest(at, "button,a,option,[role=button]") || !/\p{L}/u.test(words)) continue;
      least = far;
      best = words;
    }
    return best;
  };
  // Short texts next to an element, nearest first, its caption and its centre in its region.
  const surround = (list) => {
    const known = new Map();
    return list.map((n) => {
      const el = numbered(n);
      if (!el || el.nodeType !== 1) return null;
      const home = homeOf(el), own = el.getBoundingClientRect(), place = home.getBoundingClientRect(), found = [];
      for (const { at, words, box } of measured(home, known)) {
        if (flatContains(el, at)) continue;
        const dx = Math.max(own.left - box.right, box.left - own.right, 0), dy = Math.max(own.top - box.bottom, box.top - own.bottom, 0);
        found.push([dx * dx + dy * dy, words]);
      }
      found.sort((a, b) => a[0] - b[0]);
      return { near: found.slice(0, 8).map((f) => f[1]), caption: el.matches(CONTROL) ? caption(el, known) : "",
        place: [own.x + own.width / 2 - place.x, own.y + own.height / 2 - place.y] };
    });
  };
  // Every visible control of these kinds with what may name it: name attribute, test id, type, then words.
  const OFFERS = {
    press: "button,input[type=submit],input[type=button],input[type=reset],input[type=image],input[type=file],a[href],summary," +
      "[role=button],[role=link],[role=menuitem],[role=tab]",
    type: "input:not([type=hidden],[type=submit],[type=button],[type=reset],[type=image],[type=file],[type=checkbox],[type=radio])," +
      "textarea,select,[contenteditable=''],[contenteditable=true],[role=textbox],[role=searchbox],[role=combobox],[role=spinbutton]",
    choice: "select,input[type=checkbox],input[type=radio],fieldset,[role=combobox],[role=listbox],[role=radio],[role=radiogroup]," +
      "[role=checkbox],[role=switch]",
    table: "table,[role=table],[role=grid],[role=treegrid]",
  };
  const offered = (kinds, most) => {
    const known = new Map(), labelsOf = labelled(), els = [], texts = [];
    for (const el of select(document, kinds.map((k) => OFFERS[k]).join(","))) {
      if (els.length >= most) break;
      if (!visible(el)) continue;
      const control = el.matches(CONTROL), table = el.matches(OFFERS.table);
      const words = control ? labels(el, labelsOf) : groupNames(el);
      if (table) words.push(el.caption ? tidy(text(el.caption)) : headingBefore(el));
      else if (el.tagName === "FIELDSET") words.push(headingIn(el));
      else if (!/^(SELECT|TEXTAREA)$/.test(el.tagName)) words.push(tidy(text(el)));
      words.push(el.getAttribute("placeholder") || "", el.title || "", el.querySelector("img[alt]")?.alt || "");
      const told = words.filter(Boolean).map((w) => w.slice(0, 120));
      if (!told.length && control) told.push(caption(el, known));
      els.push(el);
      texts.push([el.getAttribute("name") || "", TEST_ID.map((a) => el.getAttribute(a)).find(Boolean) || "",
        el.tagName === "INPUT" || el.tagName === "BUTTON" ? el.type : "", ...new Set(told.filter(Boolean))]);
    }
    return { token: keep(els), texts, parents: [] };
  };

  // ---- acting ------------------------------------------------------------------------------
  const describe = (el) => {
    if (!el || el.nodeType !== 1) return "nothing";
    const name = el.getAttribute("aria-label") || tidy(text(el)).slice(0, 40);
    return el.tagName.toLowerCase() + (el.id ? "#" + el.id : "") + (name ? ` "${name}"` : "");
  };
  const nextFrame = () => new Promise((done) => {
    requestAnimationFrame(done);
    // A page in the background draws nothing.
    setTimeout(done, 250);
  });
  const stable = async (el) => {
    const one = el.getBoundingClientRect();
    await nextFrame();
    const two = el.getBoundingClientRect();
    return one.x === two.x && one.y === two.y && one.width === two.width && one.height === two.height;
  };
  const ready = async (el, needs) => {
    if (!el.isConnected) return "detached";
    if (needs.includes("stable") && !(await stable(el))) return el.isConnected ? "moved" : "detached";
    if (needs.includes("visible") && !visible(el)) return el.isConnected ? "hidden" : "detached";
    if (needs.includes("enabled") && !enabled(el)) return "disabled";
    if (needs.includes("editable") && !editable(el)) return "readonly";
    return "ok";
  };
  const scroll = (el, how) => {
    if (how === "needed") return el.scrollIntoViewIfNeeded(true);
    el.scrollIntoView({ block: how, inline: how === "center" ? "center" : "nearest", behavior: "instant" });
  };
  const hitAt = (el, x, y) => {
    // From the document inward: each root must show a host of the target, the last the target.
    const chain = [];
    for (let root = el.getRootNode(); ; root = root.host.getRootNode()) {
      chain.unshift(root);
      if (!(root instanceof ShadowRoot)) break;
    }
    let hit = null;
    for (let i = 0; i < chain.length; i++) {
      hit = chain[i].elementsFromPoint(x, y)[0] || null;
      const next = chain[i + 1];
      if (next && hit !== next.host) {
        // A slotted child of the host may cover; light children of the host belong to the flat tree.
        if (!(hit && flatContains(el, hit))) return hit;
        return null;
      }
    }
    while (hit && hit.shadowRoot && !flatContains(el, hit)) {
      const inner = hit.shadowRoot.elementFromPoint(x, y);
      if (!inner || inner === hit) break;
      hit = inner;
    }
    return accepts(el, hit) ? null : hit || document.documentElement;
  };
  const accepts = (el, hit) => {
    if (!hit) return false;
    if (flatContains(el, hit)) return true;
    // A label and its control stand for each other.
    const label = closest(hit, "label");
    if (label && label.control && flatContains(el, label.control)) return true;
    if (el.tagName === "LABEL" && el.control && flatContains(el.control, hit)) return true;
    // A transparent input over its drawn double, as component libraries build them.
    return false;
  };
  // A control half under its neighbour: a place, seen from the middle outward, where it lies free with some room around.
  const free = (el, x0, y0, x1, y1) => {
    const shares = [0.5, 0.3, 0.7, 0.15, 0.85];
    for (const fy of shares) for (const fx of shares) {
      const x = x0 + (x1 - x0) * fx, y = y0 + (y1 - y0) * fy;
      const room = [[0, 0], [2, 0], [-2, 0], [0, 2], [0, -2]];
      if (room.every(([dx, dy]) => !hitAt(el, x + dx, y + dy))) return { x, y };
    }
    return null;
  };
  // `elsewhere`: what a neighbour covers in the middle may be met elsewhere. What lies over the page as a whole never is.
  const point = (el, elsewhere) => {
    const w = innerWidth, h = innerHeight;
    for (const r of el.getClientRects()) {
      const x0 = Math.max(0, r.left), y0 = Math.max(0, r.top), x1 = Math.min(w, r.right), y1 = Math.min(h, r.bottom);
      if (x1 > x0 && y1 > y0 && (x1 - x0) * (y1 - y0) > 0.99) {
        let x = (x0 + x1) / 2, y = (y0 + y1) / 2;
        let hit = hitAt(el, x, y);
        const neighbour = hit && hit !== el && el.parentElement && hit.parentElement === el.parentElement &&
          getComputedStyle(hit).position !== "fixed";
        const place = elsewhere && neighbour ? free(el, x0, y0, x1, y1) : null;
        if (place) { ({ x, y } = place); hit = null; }
        return { x, y, rect: rect(el.getBoundingClientRect()), covered: hit ? describe(hit) : null,
          viewport: [w, h], scroll: { x: scrollX, y: scrollY }, ratio: devicePixelRatio };
      }
    }
    return null;
  };
  // Where the content of a frame lies in this document, and whether this point of it is on top.
  const framePoint = (owner, x, y) => {
    const map = frameMap(owner);
    if (!map) return { refused: true };
    const px = map.x + x * map.sx, py = map.y + y * map.sy;
    const inside = px >= 0 && py >= 0 && px <= innerWidth && py <= innerHeight;
    const hit = inside ? hitAt(owner, px, py) : null;
    return { x: px, y: py, inside, covered: hit ? describe(hit) : null, viewport: [innerWidth, innerHeight] };
  };
  const frameMap = (owner) => {
    for (let at = owner; at; at = flatParent(at)) {
      const t = getComputedStyle(at).transform;
      if (t && t !== "none") { const m = new DOMMatrix(t); if (!m.is2D || Math.abs(m.b) > 1e-6 || Math.abs(m.c) > 1e-6) return null; }
    }
    const r = owner.getBoundingClientRect(), s = getComputedStyle(owner);
    const sx = owner.offsetWidth ? r.width / owner.offsetWidth : 1, sy = owner.offsetHeight ? r.height / owner.offsetHeight : 1;
    const px = parseFloat(s.paddingLeft) || 0, py = parseFloat(s.paddingTop) || 0;
    return { x: r.left + (owner.clientLeft + px) * sx, y: r.top + (owner.clientTop + py) * sy, sx, sy };
  };

  // Everything before a press in one go: states, scrolling, the point and what lies over it, and the guard.
  const aim = async (el, needs, how, last, elsewhere) => {
    const state = await ready(el, needs);
    if (state !== "ok") return { state };
    scroll(el, how);
    const at = point(el, elsewhere);
    if (at && !at.covered && last) arm(el, last);
    return { state, at };
  };

  const POINTER = ["pointerdown", "mousedown", "pointerup", "mouseup", "click", "auxclick", "dblclick"];
  let guard = null;
  // `last`: the event that ends the act.
  const arm = (el, last) => {
    disarm();
    guard = { el, hit: [], swallowed: [], by: null };
    guard.over = new Promise((done) => { guard.end = done; });
    guard.listen = (e) => {
      if (!e.isTrusted) return;
      if (e.type === last) guard.end();
      const at = e.composedPath()[0];
      let good = at && at.nodeType === 1 && accepts(el, at);
      if (!good && inClosedRoot(el)) good = hitAt(el, e.clientX, e.clientY) === null;
      // The click a label passes on to its control, and the one Chrome sends to the common ancestor.
      if (!good && e.type === "click" && guard.hit.includes("mousedown") && !el.isConnected) good = true;
      if (good) { guard.hit.push(e.type); return; }
      e.preventDefault();
      e.stopImmediatePropagation();
      guard.swallowed.push(e.type);
      guard.by = guard.by || describe(at);
    };
    for (const type of POINTER) addEventListener(type, guard.listen, true);
  };
  const disarm = () => {
    if (!guard) return null;
    for (const type of POINTER) removeEventListener(type, guard.listen, true);
    const verdict = { hit: guard.hit, swallowed: guard.swallowed, by: guard.by, lost: lost() };
    guard.end();
    guard = null;
    return verdict;
  };
  // Pressed and released on the target, and yet no click: it was taken out of the document in between and put back.
  const lost = () => guard.el.isConnected && !guard.hit.includes("click") &&
    guard.hit.includes("mousedown") && guard.hit.includes("mouseup");
  // After the timers the page's handlers have set for "now".
  const flush = () => new Promise((done) => setTimeout(() => setTimeout(done, 1), 1));
  // What the guard saw, once the act is over and its handlers have run.
  const verdict = async () => { await guard?.over; await flush(); return disarm(); };

  const deepActive = () => { let a = document.activeElement; while (a && a.shadowRoot && a.shadowRoot.activeElement) a = a.shadowRoot.activeElement; return a; };
  const NATIVE = /^(date|time|datetime-local|month|week|color|range)$/;
  const kindOf = (el) => {
    if (el.tagName === "TEXTAREA") return "text";
    if (el.tagName === "INPUT") {
      if (NATIVE.test(el.type)) return "native";
      if (/^(checkbox|radio|file|submit|button|reset|image|hidden)$/.test(el.type)) return el.type;
      return el.type === "password" ? "password" : "text";
    }
    if (el.tagName === "SELECT") return "select";
    if (el.isContentEditable) return "rich";
    return "none";
  };
  const focusAll = (el) => {
    el.focus({ preventScroll: false });
    const active = el.getRootNode().activeElement;
    if (active !== el && !(active && flatContains(active, el))) return "unfocused";
    if (el.select && /^(INPUT|TEXTAREA)$/.test(el.tagName)) { el.select(); } else {
      const range = document.createRange();
      range.selectNodeContents(el);
      const s = getSelection();
      s.removeAllRanges();
      s.addRange(range);
    }
    return "ok";
  };
  const setNative = (el, value) => {
    const proto = el.tagName === "SELECT" ? HTMLSelectElement.prototype : HTMLInputElement.prototype;
    el.focus();
    Object.getOwnPropertyDescriptor(proto, "value").set.call(el, value);
    el.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
    el.dispatchEvent(new Event("change", { bubbles: true }));
    return el.value;
  };
  const value = (el) => {
    if (el.tagName === "SELECT") return [...el.selectedOptions].map((o) => tidy(o.label || o.text)).join(", ");
    if (el.tagName === "INPUT" && /^(checkbox|radio)$/.test(el.type)) return String(el.checked);
    if (el.tagName === "INPUT" && el.type === "password") return "\u2022".repeat(el.value.length);
    if ("value" in el && /^(INPUT|TEXTAREA|OUTPUT|METER|PROGRESS)$/.test(el.tagName)) return String(el.value);
    if (el.matches("[role=radiogroup],fieldset")) {
      const radios = select(el, "input[type=radio],[role=radio]");
      if (radios.length) return radios.filter((r) => checked(r) === true).map((r) => labels(r)[0] || tidy(text(r))).join(", ");
    }
    const c = checked(el);
    if (c !== null && el.matches("[role=checkbox],[role=radio],[role=switch]")) return String(c);
    return tidy(text(el));
  };
  const valueLength = (el) => ("value" in el ? el.value : el.textContent).length;
  const options = (el) => [...el.options].map((o) => ({ label: tidy(o.label || o.text), enabled: enabled(o), selected: o.selected }));
  const chooseOption = (el, index) => {
    const o = el.options[index];
    if (!o) return "";
    el.focus();
    o.selected = true;
    el.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
    el.dispatchEvent(new Event("change", { bubbles: true }));
    // Where several can be chosen, what counts is that this one is.
    if (el.multiple) return o.selected ? tidy(o.label || o.text) : "";
    return value(el);
  };
  const radios = (el) => {
    let list;
    if (el.tagName === "INPUT" && el.type === "radio") {
      const scope = el.form || el.getRootNode();
      list = [...scope.querySelectorAll("input[type=radio]")].filter((r) => r.name === el.name && r.form === el.form);
    } else list = select(el, "input[type=radio],[role=radio]");
    return { token: keep(list), texts: list.map((r) => { const l = labels(r); return l.length ? l : [tidy(text(r))]; }), parents: [] };
  };
  // The item of a menu that says it has a menu of its own.
  const menuItem = (el) => {
    const item = closest(el, "[aria-haspopup=true],[aria-haspopup=menu]"), outer = item && flatParent(item);
    return outer && closest(outer, "[role=menu],[role=menubar]") ? [item] : [];
  };
  // Suggestions of a page that says nothing of roles: a list laid over the page, right below or above the field.
  const laidOver = (el) => {
    const own = el.getBoundingClientRect();
    const floats = (list) => {
      for (let at = list; at && !flatContains(at, el); at = flatParent(at)) if (/absolute|fixed/.test(getComputedStyle(at).position)) return true;
      return false;
    };
    return select(document, "ul,ol,[role=menu]").filter((list) => {
      if (!visible(list)) return false;
      const box = list.getBoundingClientRect();
      const near = Math.min(Math.abs(box.top - own.bottom), Math.abs(own.top - box.bottom)) < 12;
      return near && Math.min(own.right, box.right) > Math.max(own.left, box.left) && floats(list);
    });
  };
  const popupOptions = (el) => {
    const lists = [...idRefs(el, "aria-controls"), ...idRefs(el, "aria-owns")];
    const scope = lists.length ? lists : [document];
    let list = scope.flatMap((s) => select(s, "[role=option],datalist option").filter(visible));
    if (!list.length && !el.matches("[role=combobox],[aria-controls],[aria-owns],[list]")) {
      list = laidOver(el).flatMap((s) => select(s, "li,[role=menuitem]").filter((o) => visible(o) && !o.querySelector("li,[role=menuitem]")));
    }
    return { token: keep(list), texts: list.map((o) => [tidy(text(o))]), parents: [] };
  };
  const shows = (el) => ({ value: value(el), invalid: el.getAttribute("aria-invalid") === "true" });
  const files = (el) => [...(el.files || [])].map((f) => [f.name, f.size]);
  const isFile = (el) => el.tagName === "INPUT" && el.type === "file";
  // Its own input: itself, one inside, the one it labels, or the only one beside a zone that is nothing to press.
  const PRESSABLE = "button,a[href],input,label,summary,[role=button],[role=link],[role=menuitem]";
  const fileInput = (el) => {
    if (isFile(el)) return [el];
    const inside = select(el, "input[type=file]").slice(0, 1);
    if (inside.length) return inside;
    if (el.tagName === "LABEL" && el.control && isFile(el.control)) return [el.control];
    const beside = el.matches(PRESSABLE) || !el.parentElement ? [] : [...el.parentElement.children].filter(isFile);
    return beside.length === 1 ? beside : [];
  };
  const dropKind = (el) => closest(el, PRESSABLE) ? "button" : "zone";

  // ---- tables ------------------------------------------------------------------------------
  const cellText = (c) => {
    const own = tidy(text(c, true));
    const parts = own ? [own] : [];
    for (const k of select(c, "input:not([type=hidden]),select,textarea,button")) if (visible(k)) parts.push(/^BUTTON$/.test(k.tagName) || /^(submit|button|reset)$/.test(k.type || "") ? tidy(text(k) || k.value || "") : value(k));
    if (!parts.filter(Boolean).length) {
      for (const k of [c, ...select(c, "img[alt],svg,[aria-label],[title]")]) {
        const n = k.getAttribute("aria-label") || k.getAttribute("alt") || k.getAttribute("title") || (k.tagName === "svg" && k.querySelector("title")?.textContent);
        if (n) { parts.push(tidy(n)); break; }
      }
    }
    return parts.filter(Boolean).join(" ");
  };
  const isHeader = (c) => c.tagName === "TH" && c.scope !== "row" || c.getAttribute("role") === "columnheader";
  const looksHeader = (c) => isHeader(c) || c.classList.contains("header") || parseInt(getComputedStyle(c.querySelector("b,strong") || c).fontWeight, 10) >= 600;
  const grid = (table) => {
    const native = table.tagName === "TABLE";
    const rowEls = (native ? [...table.rows] : select(table, "[role=row]")).filter(visible);
    const cellsOf = (r) => native ? [...r.cells] : select(r, "[role=cell],[role=gridcell],[role=columnheader],[role=rowheader]");
    const spans = [], rows = [];
    for (const r of rowEls) {
      const line = [];
      let x = 0;
      const fill = () => { while (spans[x] && spans[x].left > 0) { line[x] = spans[x].cell; spans[x].left--; x++; } };
      for (const c of cellsOf(r)) {
        fill();
        const w = Math.min(c.colSpan || +c.getAttribute("aria-colspan") || 1, 100), h = Math.min(c.rowSpan || +c.getAttribute("aria-rowspan") || 1, 1000);
        for (let i = 0; i < w; i++) { line[x] = c; spans[x] = { cell: c, left: h - 1 }; x++; }
      }
      fill();
      rows.push({ el: r, line, own: cellsOf(r) });
    }
    let head = 0;
    while (head < rows.length && rows[head].own.length && rows[head].own.every((c) => isHeader(c) || !tidy(text(c)) ) && rows[head].own.some(isHeader)) head++;
    if (!head && rows.length > 1 && rows[0].own.length > 1 && rows[0].own.every(looksHeader) && !rows[1].own.every(looksHeader)) head = 1;
    const width = Math.max(0, ...rows.map((r) => r.line.length));
    const headers = [];
    for (let x = 0; x < width; x++) {
      const words = [];
      for (let y = 0; y < head; y++) { const c = rows[y].line[x]; const t = c ? cellText(c) : ""; if (t && words.at(-1) !== t) words.push(t); }
      headers.push(words.join(" "));
    }
    const body = rows.slice(head).filter((r) => r.own.length);
    return { headers, body };
  };
  const table = (el) => {
    const g = grid(el);
    const names = [el.caption ? tidy(text(el.caption)) : "", ...groupNames(el), headingBefore(el)].filter(Boolean);
    return { name: names[0] || "", headers: g.headers, rows: g.body.map((r) => r.line.map((c) => c ? cellText(c) : "")), token: keep(g.body.map((r) => r.el)),
      places: g.body.map((r) => +r.el.getAttribute("aria-rowindex") || null), total: +el.getAttribute("aria-rowcount") || null };
  };

  // ---- calendars and long tables ------------------------------------------------------------
  const dayCells = (grid) => select(grid, "td,[role=gridcell],[role=cell]").filter((c) => /^\d{1,2}$/.test(tidy(text(c))));
  const MONTH = /(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,?\s+\d{4}|\d{4}-\d{2}(?!-?\d)|(^|\D)\d{1,2}\/\d{4}/i;
  // The smallest ancestor of the grid for which `test` holds, the grid itself first.
  const around = (grid, test) => {
    for (let at = grid, n = 0; at && n < 6; at = flatParent(at), n++) { const hit = test(at); if (hit) return hit; }
    return null;
  };
  const calendars = () => select(document, "table,[role=grid],[role=table]").filter((g) => visible(g) && dayCells(g).length >= 28).map(numberOf);
  const calendarTitle = (grid) => !grid.isConnected ? "" : around(grid, (at) => {
    for (const t of [at.getAttribute("aria-label") || "", ...idRefs(at, "aria-labelledby").map((n) => text(n)), tidy(text(at))]) {
      const m = MONTH.exec(t);
      if (m) return m[0];
    }
    return null;
  }) || "";
  const NEXT = /next|following|forward|later|^[\u203a\u00bb>\u2192\u25b6]+$/i, BACK = /prev|back|earlier|^[\u2039\u00ab<\u2190\u25c0]+$/i;
  const calendarStep = (grid, forward) => around(grid, (at) => {
    const want = forward ? NEXT : BACK;
    const hits = select(at, "button,[role=button],a").filter((b) => visible(b) && !flatContains(grid.tBodies ? grid.tBodies[0] || grid : grid, b)
      && (labels(b).some((l) => want.test(l)) || want.test(b.title) || want.test(tidy(text(b)))));
    const months = hits.filter((b) => !/year/i.test(labels(b).join() + b.title));
    return months.length ? months.slice(0, 1) : null;
  }) || [];
  const calendarDay = (grid, day) => {
    const off = (c) => /(^|[-_ ])(other|outside|adjacent|off|old|new)([-_ ]|$)/i.test(c.className || "") || c.getAttribute("data-outside") !== null;
    const cells = dayCells(grid).filter((c) => !off(c));
    // Days of the neighbouring months stand before the first 1 and after the last day.
    const first = cells.findIndex((c) => tidy(text(c)) === "1");
    const own = cells.slice(Math.max(first, 0));
    const hit = own.find((c) => tidy(text(c)) === String(day));
    if (!hit) return [];
    return [select(hit, "button,[role=button],a")[0] || hit];
  };
  const calendarOpener = (el) => {
    if (/^(BUTTON)$/.test(el.tagName) || el.getAttribute("aria-haspopup")) return [el];
    const inner = select(el, "button,[role=button],[aria-haspopup]").filter(visible);
    if (inner.length) return inner.slice(0, 1);
    const near = around(el.parentElement || el, (at) => { const b = select(at, "button,[role=button]").filter((b) => visible(b) && /calendar|date|pick/i.test(labels(b).join() + b.title)); return b.length === 1 ? b : null; });
    return near || [el];
  };
  // What scrolls the rows: a box of the table's own or around it, else the document.
  const scrollBox = (el) => {
    const scrolls = (n) => n.scrollHeight > n.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(n).overflowY);
    let box = [el, ...select(el, "*")].find(scrolls);
    for (let at = flatParent(el); !box && at; at = flatParent(at)) if (scrolls(at)) box = at;
    return box || document.scrollingElement || document.documentElement;
  };
  const tableScroll = (el) => {
    const box = scrollBox(el);
    return { own: box !== document.scrollingElement && box !== document.body && box !== document.documentElement, more: box.scrollHeight > box.clientHeight + 1 };
  };
  const scrollTable = (el, toTop) => {
    const box = scrollBox(el);
    const from = box.scrollTop;
    box.scrollTop = toTop ? 0 : from + box.clientHeight * 0.8;
    const end = toTop ? box.scrollTop <= 0 : box.scrollTop + box.clientHeight >= box.scrollHeight - 1;
    return { moved: box.scrollTop !== from, at_end: end };
  };

  // ---- whole page --------------------------------------------------------------------------
  const visibleText = () => {
    const out = [];
    if (document.body) gather(document.body, out, true, false);
    return out.join("").replace(/[^\S\n]+/g, " ").replace(/ ?\n[ \n]*/g, "\n").trim().slice(0, 2000000);
  };
  const LIVE = "[role=alert],[role=status],[role=log],[aria-live=polite],[aria-live=assertive],output";
  const look = () => ({
    url: location.href, title: document.title,
    headings: select(document, "h1,h2,h3,h4,h5,h6,[role=heading],legend").filter(visible).slice(0, 200).map((e) => tidy(text(e)).slice(0, 200)),
    landmarks: select(document, "main,nav,aside,form,[role=region],[role=dialog],dialog[open]").filter(visible).slice(0, 50)
      .map((e) => `${e.getAttribute("role") || e.tagName.toLowerCase()} ${groupNames(e)[0] || ""}`.trim()),
    controls: select(document, CONTROL).filter(visible).slice(0, 500).map((e) => ({ label: (labels(e)[0] || e.getAttribute("placeholder") || "").slice(0, 200),
      tag: e.tagName.toLowerCase(), kind: e.getAttribute("role") || e.type || "", required: !!e.required || e.getAttribute("aria-required") === "true" })),
    tables: select(document, "table,[role=table],[role=grid]").filter(visible).slice(0, 50).map((e) => grid(e).headers),
    live: select(document, LIVE).filter(visible).map((e) => tidy(text(e)).slice(0, 2000)).filter(Boolean),
  });
  // What must not be seen in a picture: these controls, and every control or run of text that shows one of the values.
  // Values may be spread over inline elements; white space between their words is any white space.
  const covers = (selectors, values) => {
    const boxes = [];
    const add = (r) => { if (r.width > 0 && r.height > 0) boxes.push(rect(r)); };
    for (const el of select(document, selectors)) if (visible(el)) add(el.getBoundingClientRect());
    if (!values.length) return boxes;
    const escape = (v) => v.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+");
    // Short values count as whole words only, else they would cover half of the page.
    const pattern = new RegExp(values.map((v) => v.length < 4 ? `(?<![\\p{L}\\p{N}])${escape(v)}(?![\\p{L}\\p{N}])` : escape(v)).join("|"), "giu");
    const shows = (t) => { pattern.lastIndex = 0; return pattern.test(t); };
    const nodes = [], starts = [];
    let all = "";
    const walk = (n) => {
      for (const c of n.childNodes) {
        if (c.nodeType === 3) { nodes.push(c); starts.push(all.length); all += c.data; continue; }
        if (c.nodeType !== 1 || SKIP.has(c.tagName)) continue;
        if (/^(INPUT|TEXTAREA|SELECT)$/.test(c.tagName)) {
          const told = c.tagName === "SELECT" ? value(c) : c.value;
          if (shows(told) && visible(c)) add(c.getBoundingClientRect());
          continue;
        }
        const block = BLOCK.has(c.tagName);
        if (block) all += "\n\n";
        if (c.shadowRoot) walk(c.shadowRoot);
        walk(c);
        if (block) all += "\n\n";
      }
    };
    if (document.body) walk(document.body);
    pattern.lastIndex = 0;
    for (let hit = pattern.exec(all), at = 0; hit && boxes.length < 2000; hit = pattern.exec(all)) {
      const end = hit.index + hit[0].length;
      while (at + 1 < nodes.length && starts[at + 1] <= hit.index) at++;
      for (let i = at; i < nodes.length && starts[i] < end; i++) {
        const from = Math.max(hit.index - starts[i], 0), to = Math.min(end - starts[i], nodes[i].data.length);
        if (from >= to) continue;
        const range = document.createRange();
        range.setStart(nodes[i], from);
        range.setEnd(nodes[i], to);
        for (const r of range.getClientRects()) add(r);
      }
    }
    return boxes;
  };
  const html = () => "<!DOCTYPE html>\n" + (document.documentElement ? document.documentElement.outerHTML : "");

  // What warns or reports now: texts of alerts and of status lines, and words that a page marks as an error.
  const alarms = () => {
    const loud = "[role=alert],[aria-live=assertive]", marked = /(^|[-_ ])(error|errors|invalid|danger)([-_ ]|$)/i;
    const out = [];
    for (const el of all(document)) {
      const alert = el.matches(loud) || (typeof el.className === "string" && marked.test(el.className) && !el.matches("input,select,textarea,form,body,html"));
      if (!alert && !el.matches(LIVE) || !visible(el)) continue;
      const words = tidy(text(el)).slice(0, 500);
      if (words && out.length < 50) out.push([alert, words]);
    }
    return out;
  };
  // Controls that must be filled and are empty, in the form of an element (all of them without one), and fields for a
  // one-time code.
  const empties = (near) => {
    const target = near === null || near === undefined ? null : numbered(near);
    const home = target ? target.form || closest(target, "form") : undefined;
    const must = select(document, "input:not([type=hidden]),textarea,select,[role=textbox],[role=combobox],[role=checkbox],[role=radiogroup]").filter((el) => {
      if (!visible(el) || !enabled(el) || !editable(el)) return false;
      if (target && (el.form || closest(el, "form")) !== home) return false;
      if (el.autocomplete === "one-time-code") return true;
      if (!el.required && el.getAttribute("aria-required") !== "true") return false;
      if (el.type === "radio") return !radios(el).texts.length || ![...(el.form || el.getRootNode()).querySelectorAll("input[type=radio]")].some((r) => r.name === el.name && r.checked);
      const c = checked(el);
      return c !== null ? !c : !value(el).trim();
    }).slice(0, 30);
    const code = (el) => el.autocomplete === "one-time-code" || /\b(security|verification|one[- ]time|authentication|authenticator) (pass)?code\b/i.test(labels(el).join());
    return must.map((el) => ({ number: numberOf(el), label: (labels(el)[0] || el.getAttribute("placeholder") || el.getAttribute("name") || "").slice(0, 100), code: code(el) }));
  };

  // The controls of a screen's forms, and its tables with their columns: kind, label, required, options. What repeats in rows of data
  // belongs to the data; buttons belong to the page.
  const form = () => {
    const out = [], known = new Map(), data = (t) => t && (t.matches("[role=table],[role=grid],[role=treegrid]") || t.querySelector("th") !== null);
    const boxes = select(document, "input:not([type=hidden],[type=submit],[type=button],[type=reset],[type=image]),select,textarea,[role=textbox],[role=combobox],[role=searchbox],[role=radiogroup]");
    const grouped = new Map();
    for (const el of boxes) {
      if (out.length >= 80) break;
      if (!visible(el) || data(closest(flatParent(el) || el, "table,[role=table],[role=grid],[role=treegrid]"))) continue;
      const must = !!el.required || el.getAttribute("aria-required") === "true";
      if (/^(radio|checkbox)$/.test(el.type)) {
        // One of several words for the same question: the question is what is remembered.
        const group = groups(el).at(-1);
        if (!group) continue;
        if (grouped.has(group)) { grouped.get(group)[3].push(labels(el)[0] || ""); continue; }
        const one = ["choice", group, must, [labels(el)[0] || ""]];
        grouped.set(group, one);
        out.push(one);
        continue;
      }
      const label = (el.matches(CONTROL) ? labels(el)[0] : groupNames(el)[0]) || el.getAttribute("placeholder") || (el.matches(CONTROL) ? caption(el, known) : "");
      if (label) out.push([el.tagName === "SELECT" ? "select" : el.getAttribute("role") || el.type || "text", label.slice(0, 100), must, el.tagName === "SELECT" ? [...el.options].slice(0, 60).map((o) => tidy(o.label)) : []]);
    }
    for (const t of select(document, "table,[role=table],[role=grid],[role=treegrid]")) {
      if (out.length >= 80) break;
      const columns = visible(t) ? [...t.querySelectorAll("th,[role=columnheader]")].filter((h) => h.scope !== "row").map((h) => tidy(text(h))) : [];
      const name = t.caption ? tidy(text(t.caption)) : groupNames(t)[0] || headingBefore(t);
      if (columns.length && name) out.push(["table", name.slice(0, 100), false, columns.slice(0, 40)]);
    }
    return out;
  };

  // ---- signals -----------------------------------------------------------------------------
  // The first change is told at once, those within the next 40 ms together: who waits for stillness may rely on it.
  let timer = null, waiting = false, toasts = [];
  const tell = () => {
    if (timer) { waiting = true; return; }
    waiting = false;
    try { globalThis.__agentSignal?.(JSON.stringify({ toasts })); } catch { /* the document is going away */ }
    toasts = [];
    timer = setTimeout(() => { timer = null; if (waiting) tell(); }, 40);
  };
  const watch = (records) => {
    for (const r of records) {
      const at = r.target.nodeType === 1 ? r.target : r.target.parentElement;
      const added = r.type === "characterData" ? [at] : [...r.addedNodes].map((n) => n.nodeType === 1 ? n : at);
      for (const n of added) {
        const live = n && n.isConnected && (closest(n, LIVE) || (n.matches(LIVE) ? n : n.querySelector?.(LIVE)));
        if (live && toasts.length < 20) { const t = tidy(text(live)).slice(0, 2000); if (t && !toasts.includes(t)) toasts.push(t); }
      }
    }
    tell();
  };
  new MutationObserver(watch).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });

  globalThis.__agent = { calendarDays: (g) => dayCells(g).length, calendars, calendarTitle, calendarStep, calendarDay, calendarOpener, scrollTable, tableScroll, alarms, empties, dropKind, collect, pick, matches, sights, rowsOf, first, numberOf, numbered, facts, ready, aim, framePoint, frameMap, verdict, disarm, focusAll, kindOf,
    setNative, value, valueLength, options, chooseOption, radios, popupOptions, shows, files, fileInput, table, visibleText, look, surround, offered, form, html, covers,
    text: (el) => tidy(text(el)), focus: (el) => el.focus(), hint: (el) => el.getAttribute("placeholder") || el.getAttribute("data-format") || "",
    expanded: (el) => el.getAttribute("aria-expanded") === "true", labelOf: (el) => [...(el.labels || [])].filter(visible).slice(0, 1), menuItem,
    viewport: () => [[innerWidth, innerHeight], { x: scrollX, y: scrollY }, devicePixelRatio], contains: (el, n) => flatContains(el, numbered(n)), held, checked, focused: (el) => deepActive() === el, flush, title: () => document.title };
})();
