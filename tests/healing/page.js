// Put before everything else into each captured page of the healing benchmark. Applies one change to the page, keeps to itself
// which node every control of the answer key is (nothing in the document tells), and answers for the methods ours is
// compared with. The harness asks afterwards which node was meant.
(() => {
  const config = /*CONFIG*/null;
  const truth = new Map(), twins = [];
  let state = config.seed * 2654435761 >>> 0 || 1;
  const chance = () => { state ^= state << 13; state >>>= 0; state ^= state >>> 17; state ^= state << 5; state >>>= 0; return state / 4294967296; };
  const letters = () => Array.from({ length: 6 }, () => "bcdfghjkmnpqrstvwz"[Math.floor(chance() * 18)]).join("");
  const docs = (doc = document, out = []) => {
    out.push(doc);
    for (const f of doc.querySelectorAll("iframe,frame")) { try { if (f.contentDocument) docs(f.contentDocument, out); } catch { /* not ours */ } }
    return out;
  };
  const all = (root, out = []) => {
    for (let c = root.firstElementChild; c; c = c.nextElementSibling) {
      out.push(c);
      if (c.shadowRoot) all(c.shadowRoot, out);
      all(c, out);
    }
    return out;
  };
  const everything = () => docs().flatMap((d) => all(d));
  const seen = (el) => { const r = el.getBoundingClientRect(); return el.isConnected && r.width > 0 && r.height > 0 && getComputedStyle(el).visibility === "visible"; };
  const tidy = (s) => (s || "").replace(/\s+/g, " ").trim();
  const targets = () => [...truth.values()].filter(Boolean);
  const labelOf = (el) => [...(el.labels || [])][0];
  const wordsOf = (el) => tidy(labelOf(el)?.textContent || el.getAttribute("aria-label") || (el.tagName === "INPUT" && /^(submit|button)$/.test(el.type) && el.value) || el.textContent || el.getAttribute("placeholder"));
  const fields = () => everything().filter((e) => e.matches("input:not([type=hidden]):not([type=submit]):not([type=button]),select,textarea"));
  const presses = () => everything().filter((e) => e.matches("button,input[type=submit],input[type=button],a[href],[role=button]"));
  // Where the words of a control are written: the text node of its label, its own text, or an attribute.
  const rewords = (el, how) => {
    const label = labelOf(el);
    const texts = (root) => { const w = root.ownerDocument.createTreeWalker(root, 4), out = []; for (let t = w.nextNode(); t; t = w.nextNode()) if (t.data.trim()) out.push(t); return out; };
    if (label) { const t = texts(label)[0]; if (t) t.data = how(t.data); }
    if (el.getAttribute("aria-label")) el.setAttribute("aria-label", how(el.getAttribute("aria-label")));
    if (/^(submit|button)$/.test(el.type) && el.tagName === "INPUT") el.value = how(el.value);
    else if (/^(BUTTON|A)$/.test(el.tagName)) { const t = texts(el)[0]; if (t) t.data = how(t.data); }
  };
  const rewordAll = (how) => { for (const el of [...fields(), ...presses()]) if (truthful(el)) rewords(el, how); };
  const truthful = (el) => el.isConnected;
  const swap = (el, made) => {
    for (const a of el.attributes) if (!["type", "value", "href", "role"].includes(a.name)) made.setAttribute(a.name, a.value);
    el.replaceWith(made);
    for (const [key, node] of truth) if (node === el) truth.set(key, made);
  };
  const block = (el) => el.closest("form,section,fieldset,[role=dialog],dialog,main") || el.ownerDocument.body;
  // The blocks that hold targets; outermost only.
  const blocks = () => { const found = [...new Set(targets().map(block))].filter((b) => b.tagName !== "BODY"); return found.filter((b) => !found.some((o) => o !== b && o.contains(b))); };
  const PAIRS = [["Member ID", "Subscriber ID"], ["Date of birth", "Birth date"], ["Search", "Find"], ["Find", "Look up"], ["Continue", "Next"],
    ["Next", "Continue"], ["Sign in", "Log in"], ["Log In", "Sign in"], ["Log Out", "Sign out"], ["Sign out", "Log out"], ["Submit", "Send"], ["User ID", "User name"],
    ["User name", "Username"], ["Procedure code", "Service code"], ["Diagnosis", "Dx"], ["Units", "Quantity"], ["Claim number", "Claim ID"], ["Remove", "Delete"],
    ["Add", "Insert"], ["Last name", "Surname"], ["First name", "Given name"], ["Provider", "Clinician"], ["Select", "Choose"], ["Close", "Dismiss"], ["E-mail", "Email"]];
  const synonym = (text) => {
    for (const [a, b] of PAIRS) {
      const at = new RegExp(`(^|[^a-z])(${a})(?![a-z])`, "i").exec(text);
      if (at) return text.slice(0, at.index) + at[1] + b + text.slice(at.index + at[0].length);
    }
    return text;
  };
  const SPANISH = [["date of birth", "fecha de nacimiento"], ["birth date", "fecha de nacimiento"], ["member id", "identificación del afiliado"], ["member", "afiliado"], ["last name", "apellido"], ["first name", "nombre"],
    ["user id", "usuario"], ["user name", "usuario"], ["username", "usuario"], ["password", "contraseña"], ["sign in", "iniciar sesión"], ["log in", "iniciar sesión"], ["sign out", "cerrar sesión"], ["log out", "cerrar sesión"],
    ["service from", "servicio desde"], ["service to", "servicio hasta"], ["service", "servicio"], ["search", "buscar"], ["find", "encontrar"], ["continue", "continuar"], ["next", "siguiente"], ["back", "atrás"], ["submit", "enviar"],
    ["select", "elegir"], ["close", "cerrar"], ["add", "añadir"], ["remove", "quitar"], ["procedure", "procedimiento"], ["diagnosis", "diagnóstico"], ["code", "código"], ["units", "unidades"], ["provider", "proveedor"],
    ["request", "solicitud"], ["claim", "reclamación"], ["number", "número"], ["status", "estado"], ["plan", "plan"], ["e-mail", "correo"], ["payer", "pagador"], ["verify", "verificar"], ["confirm", "confirmar"], ["date", "fecha"], ["from", "desde"], ["to", "hasta"]];
  const inSpanish = (text) => SPANISH.reduce((t, [a, b]) => t.replace(new RegExp(`(^|[^\\p{L}])${a}s?(?!\\p{L})`, "giu"), (_, before) => before + b), text);
  const operators = {
    none: () => {},
    ids: () => { for (const d of docs()) {
      const map = new Map();
      for (const el of all(d)) {
        if (el.id) { const id = `${el.id.slice(0, 1)}${letters()}`; map.set(el.id, id); el.id = id; }
        if (el.getAttribute("class")) el.setAttribute("class", el.getAttribute("class") + " " + letters());
        if (el.getAttribute("name") && el.matches("input,select,textarea,button")) { const n = letters(); el.setAttribute("name", el.type === "radio" ? `n${el.name}` : n); }
      }
      for (const el of all(d)) for (const a of ["for", "aria-labelledby", "aria-controls", "aria-describedby", "list", "form"]) {
        const v = el.getAttribute(a);
        if (v) el.setAttribute(a, v.split(/\s+/).map((id) => map.get(id) || id).join(" "));
      }
    } },
    hooks: () => { for (const el of everything()) for (const a of [...el.attributes]) if (/^(data-|title$)/.test(a.name)) el.removeAttribute(a.name); },
    wrap: () => { for (const el of targets()) { const w = el.ownerDocument.createElement("span"), o = el.ownerDocument.createElement("span"); el.replaceWith(o); o.append(w); w.append(el); } },
    unwrap: () => { for (const el of targets()) { const p = el.parentElement; if (p && /^(DIV|SPAN|P)$/.test(p.tagName) && p.parentElement && p.parentElement.tagName !== "BODY") p.replaceWith(...p.childNodes); } },
    reorder: () => { for (const b of blocks()) {
      for (const holder of [b, ...b.querySelectorAll("div,tbody")]) {
        const kids = [...holder.children].filter((k) => !/^(LEGEND|CAPTION|SCRIPT|STYLE|LABEL|THEAD)$/.test(k.tagName));
        const whole = kids.length > 1 && kids.every((k) => k.querySelector("input,select,textarea,button,a") || /^(H\d|P)$/.test(k.tagName));
        if (whole) for (let i = kids.length - 1; i > 0; i--) { const j = Math.floor(chance() * (i + 1)); holder.insertBefore(kids[j], kids[i]); [kids[i], kids[j]] = [kids[j], kids[i]]; }
      }
    } },
    accordion: () => { for (const b of blocks()) { const d = b.ownerDocument.createElement("details"), s = b.ownerDocument.createElement("summary"); s.textContent = "More"; d.open = true; b.replaceWith(d); d.append(s, b); } },
    modal: () => { for (const b of blocks()) { const d = b.ownerDocument.createElement("div"), h = b.ownerDocument.createElement("h2"); h.textContent = "Please complete"; d.setAttribute("role", "dialog"); d.setAttribute("aria-modal", "true");
      d.style.cssText = "position:relative;z-index:9;border:1px solid #888;padding:16px;margin:16px"; b.replaceWith(d); d.append(h, b); } },
    iframe: () => { for (const b of blocks()) { const f = b.ownerDocument.createElement("iframe"); f.title = "Panel"; f.style.cssText = "width:1000px;height:800px"; b.replaceWith(f); f.contentDocument.body.append(b);
      for (const s of document.querySelectorAll("style,link[rel=stylesheet]")) f.contentDocument.head.append(s.cloneNode(true)); } },
    shadow: () => { for (const b of blocks()) { const h = b.ownerDocument.createElement("x-panel"); h.style.display = "block"; b.replaceWith(h); const root = h.attachShadow({ mode: "open" });
      for (const s of b.ownerDocument.querySelectorAll("style,link[rel=stylesheet]")) root.append(s.cloneNode(true)); root.append(b); } },
    kind: () => { for (const el of presses()) {
      const words = wordsOf(el), d = el.ownerDocument;
      if (!words || !el.isConnected) continue;
      if (el.tagName === "BUTTON") { const m = d.createElement("input"); m.type = "button"; swap(el, m); m.value = words; }
      else if (el.tagName === "INPUT") { const m = d.createElement("a"); swap(el, m); m.setAttribute("role", "button"); m.tabIndex = 0; m.textContent = words; }
      else if (el.getAttribute("role") !== "button") { const m = d.createElement("button"); m.type = "button"; swap(el, m); m.textContent = words; }
    } },
    aria: () => { for (const el of fields()) { const l = labelOf(el); if (l && !l.contains(el)) { el.setAttribute("aria-label", tidy(l.textContent)); l.remove(); } } },
    placeholder: () => { for (const el of fields()) { const l = labelOf(el); if (l && !l.contains(el) && /^(text|search|tel|password|email|)$/.test(el.getAttribute("type") || "") && el.tagName !== "SELECT") { el.placeholder = tidy(l.textContent); el.removeAttribute("aria-label"); l.remove(); } } },
    floating: () => { for (const el of fields()) { const l = labelOf(el); if (l && !l.contains(el)) { const w = el.ownerDocument.createElement("div"); w.style.cssText = "position:relative;padding-top:14px"; el.replaceWith(w); w.append(el, l); l.style.cssText = "position:absolute;top:0;left:2px;font-size:10px"; } } },
    star: () => rewordAll((t) => t.replace(/\s*[*:]*\s*$/, "") + " *"),
    colon: () => rewordAll((t) => t.replace(/\s*[*:]*\s*$/, "") + ":"),
    help: () => { for (const el of fields()) { const l = labelOf(el); if (l) { const s = el.ownerDocument.createElement("small"); s.textContent = " as it is printed on the card"; const kid = [...l.childNodes].find((n) => n.nodeType === 3 && n.data.trim()); if (kid) kid.after(s); } } },
    upper: () => rewordAll((t) => t.toUpperCase()),
    synonyms: () => rewordAll(synonym),
    twin: () => { const el = truth.get(config.target); if (el) {
      // The whole field with its label where that is a small part, else the control; somewhere else on the page.
      const part = labelOf(el)?.parentElement === el.parentElement && el.parentElement.children.length <= 3 ? el.parentElement : el;
      const copy = part.cloneNode(true), box = el.ownerDocument.createElement("section"), fresh = new Map();
      for (const c of [copy, ...copy.querySelectorAll("*")]) { if (c.id) { fresh.set(c.id, c.id + letters()); c.id = fresh.get(c.id); } }
      for (const c of [copy, ...copy.querySelectorAll("[for]")]) if (c.htmlFor) c.htmlFor = fresh.get(c.htmlFor) || c.htmlFor;
      box.append(copy);
      const home = el.ownerDocument.body;
      if (chance() < 0.5) home.prepend(box); else home.append(box);
    } },
    // A list cut into pages, at some field; what is on another page is nobody until somebody turns it.
    paginate: () => { for (const b of blocks()) {
      const holder = [b, ...b.querySelectorAll("div,tbody,form")].find((h) => [...h.children].filter((k) => k.querySelector("input,select,textarea,button,a") || k.matches("input,select,textarea,button,a,tr,table")).length > 2);
      if (!holder) continue;
      const kids = [...holder.children].filter((k) => !/^(LEGEND|CAPTION|SCRIPT|STYLE|THEAD)$/.test(k.tagName)), from = Math.ceil(kids.length * (0.5 + chance() / 3));
      for (const k of kids.slice(from)) k.style.setProperty("display", "none", "important");
      const nav = b.ownerDocument.createElement("nav");
      nav.setAttribute("aria-label", "Pages");
      for (const [tag, words] of [["a", "1"], ["a", "2"], ["button", "Next page"], ["button", "Previous page"]]) { const e = b.ownerDocument.createElement(tag); if (tag === "a") e.href = "#"; else e.type = "button"; e.textContent = words; nav.append(" ", e); }
      b.after(nav);
    } },
    // The same page for people who read Spanish.
    locale: () => rewordAll(inSpanish),
    // What is asked for comes later than the rest.
    delay: () => { for (const b of blocks()) { const hold = b.ownerDocument.createElement("div"); hold.textContent = "Loading"; b.replaceWith(hold); setTimeout(() => hold.replaceWith(b), 300 + Math.floor(chance() * 500)); } },
    // Something over everything, with words of its own.
    overlay: () => { const d = document.createElement("div"); d.setAttribute("role", "dialog"); d.setAttribute("aria-label", "One moment"); d.style.cssText = "position:fixed;inset:0;z-index:99999;background:#0008";
      d.innerHTML = "<p>We are loading your page.</p><button type=button>Cancel</button> <a href='#'>Help</a>"; document.body.append(d); },
    removed: () => { const el = truth.get(config.target); if (el) { truth.set(config.target, null); const l = labelOf(el); if (l && !l.contains(el)) l.remove(); el.remove(); } },
  };

  // ---- the methods ours is compared with -------------------------------------------------------
  const xpath = (el) => { const out = []; for (let at = el; at && at.nodeType === 1; at = at.parentElement) { const same = at.parentElement ? [...at.parentElement.children].filter((c) => c.tagName === at.tagName) : [at]; out.unshift(`${at.tagName.toLowerCase()}[${same.indexOf(at) + 1}]`); } return "/" + out.join("/"); };
  const idXpath = (el) => { const out = []; for (let at = el; at && at.nodeType === 1; at = at.parentElement) { if (at.id) { out.unshift(`//*[@id="${at.id}"]`); break; } const same = at.parentElement ? [...at.parentElement.children].filter((c) => c.tagName === at.tagName) : [at]; out.unshift(`${at.tagName.toLowerCase()}[${same.indexOf(at) + 1}]`); } return out.join("/"); };
  const isButton = (el) => el.tagName === "BUTTON" || /^(submit|button|reset)$/.test(el.type || "") || (el.tagName === "A" && /btn|button/.test(el.className));
  const lev = (a, b) => { if (!a && !b) return 0; let row = Array.from({ length: b.length + 1 }, (_, i) => i); for (let i = 1; i <= a.length; i++) { const next = [i]; for (let j = 1; j <= b.length; j++) next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)); row = next; } return 1 - row[b.length] / Math.max(a.length, b.length, 1); };
  const cut = (s) => (s || "").slice(0, 100);
  let boxes = null;
  const neighbours = (el) => {
    boxes = boxes || everything().filter((e) => !e.children.length && tidy(e.textContent) && tidy(e.textContent).length <= 50).map((e) => [e, e.getBoundingClientRect(), tidy(e.textContent)]);
    const r = el.getBoundingClientRect(), hit = (o) => o.right >= r.left - 50 && o.left <= r.right + 50 && o.bottom >= r.top - 50 && o.top <= r.bottom + 50;
    return boxes.filter(([e, o]) => e !== el && e.ownerDocument === el.ownerDocument && hit(o)).map((b) => b[2]).join(" ").toLowerCase();
  };
  const properties = (el) => { const r = el.getBoundingClientRect(); return { tag: el.tagName, class: cut(el.getAttribute("class")), name: el.getAttribute("name") || "", id: el.id || "", href: cut(el.getAttribute("href")), alt: cut(el.getAttribute("alt")),
    xpath: cut(xpath(el)), idxpath: cut(idXpath(el)), button: isButton(el), x: r.x, y: r.y, area: r.width * r.height, shape: r.height ? r.width / r.height : 0,
    text: cut(tidy(el.tagName === "INPUT" ? el.value : el.textContent)).toLowerCase(), near: neighbours(el) }; };
  const eq = (a, b) => (a && a === b ? 1 : 0);
  const shared = (a, b) => { const A = new Set(a.split(/\s+/).filter(Boolean)), B = new Set(b.split(/\s+/).filter(Boolean)); const n = [...A].filter((w) => B.has(w)).length, most = Math.max(A.size, B.size); return most ? n / most : 0; };
  // The weights of the paper; a property missing on both sides gives nothing.
  const similo = (old, now, bare) => 1.5 * eq(old.tag, now.tag) + 0.5 * (old.class ? lev(old.class, now.class) : 0) + (bare ? 0 : 1.5 * eq(old.name, now.name) + 1.5 * eq(old.id, now.id) + 0.5 * (old.href ? lev(old.href, now.href) : 0))
    + 0.5 * (old.alt ? lev(old.alt, now.alt) : 0) + 0.5 * lev(old.xpath, now.xpath) + 0.5 * lev(old.idxpath, now.idxpath) + 0.5 * (old.button === now.button ? 1 : 0)
    + 0.5 * Math.max(0, 1 - Math.hypot(old.x - now.x, old.y - now.y) / 100) + 0.5 * Math.min(old.area, now.area) / Math.max(old.area, now.area, 1)
    + 0.5 * Math.min(old.shape, now.shape) / Math.max(old.shape, now.shape, 0.001) + 1.5 * (old.text ? lev(old.text, now.text) : 0) + 1.5 * shared(old.near, now.near);
  const POSSIBLE = "input:not([type=hidden]),select,textarea,button,a,table,img,h1,h2,h3,label,th,li,[role=button],[role=link],[role=radiogroup],fieldset,td,dd,span,p";
  const verdict = (key, el) => (!el ? "none" : el === truth.get(key) ? "right" : "wrong");
  const baselines = () => {
    const els = everything().filter((e) => e.matches(POSSIBLE) && seen(e)).slice(0, 1500);
    const now = els.map(properties);
    const one = (list) => (list.length === 1 ? list[0] : null);
    const out = {};
    for (const c of config.controls) {
      const old = c.old;
      if (!old || (config.target && config.target !== c.key)) continue;
      const best = (bare) => { let at = null, most = -1; now.forEach((p, i) => { const s = similo(old, p, bare); if (s > most) { most = s; at = i; } }); return at === null ? null : els[at]; };
      out[c.key] = { id: verdict(c.key, old.id ? one(els.filter((e) => e.id === old.id)) : null), name: verdict(c.key, old.name ? one(els.filter((e) => e.getAttribute("name") === old.name)) : null),
        similo: verdict(c.key, best(false)), similo_bare: verdict(c.key, best(true)) };
    }
    return out;
  };

  const tell = (what, body) => fetch(`${location.origin}/tell/${config.number}/${what}`, { method: "POST", body: JSON.stringify(body) });
  const begin = async () => {
    const list = docs();
    const inFrame = (d, name) => !name || d.title.trim() === name || d.defaultView?.frameElement?.name === name || d.defaultView?.frameElement?.title === name;
    for (const c of config.controls) {
      // Several parts of a page may match; the one that is shown is meant.
      const near = list.filter((d) => inFrame(d, c.frame)), hits = (near.length ? near : list).flatMap((d) => all(d).filter((e) => { try { return e.matches(c.css); } catch { return false; } })).filter(seen);
      truth.set(c.key, hits[0] || null);
      twins.push(hits.length);
    }
    if (config.clutter) {
      const box = document.createElement("section");
      for (let i = 0; i < config.clutter; i++) { const b = document.createElement(i % 2 ? "button" : "input"); if (i % 2) b.textContent = `Row ${i} details`; else b.setAttribute("aria-label", `Row ${i} amount`); box.append(b); }
      document.body.append(box);
    }
    operators[config.op]();
    // Frames and style sheets that were made just now are given the time to be there.
    await new Promise((done) => setTimeout(done, config.op === "iframe" || config.op === "shadow" ? 120 : 0));
    const told = { present: {}, old: {}, answers: !config.clutter && config.op !== "delay" && config.controls.some((c) => c.old) ? baselines() : {} };
    for (const c of config.controls) { const el = truth.get(c.key); told.present[c.key] = !!el && (config.op === "delay" || seen(el)); if (el) told.old[c.key] = properties(el); }
    await tell("ready", told);
    await fetch(`${location.origin}/wait/${config.number}`);
    for (const [key, el] of truth) if (el) el.setAttribute(`data-meant-${config.controls.findIndex((c) => c.key === key)}`, "");
    await tell("shown", {});
  };
  addEventListener("load", () => { begin().catch((e) => tell("failed", String(e && e.stack || e))); });
})();
