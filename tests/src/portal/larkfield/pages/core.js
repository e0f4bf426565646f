// What every view of the workspace stands on: elements, calls, clicks on record, notices over a page. Looks are in the
// kit that is loaded after this file.
(function () {
  "use strict";
  var settings = JSON.parse(document.getElementById("settings").textContent);
  var sheet = new CSSStyleSheet();
  var waiting = { clicks: [], closed: [] };
  var ordinal = 0;

  function h(tag, attributes, children) {
    var el = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (key) {
      var value = attributes[key];
      if (key === "class" && value && window.Core.classes) value = window.Core.classes(value);
      if (key.indexOf("on") === 0) el.addEventListener(key.slice(2), value);
      else if (value === true) el.setAttribute(key, "");
      else if (value !== null && value !== undefined && value !== false) el.setAttribute(key, value);
    });
    add(el, children);
    return el;
  }
  function add(el, children) {
    [].concat(children === undefined ? [] : children).forEach(function (child) {
      if (child !== null && child !== undefined && child !== false) el.append(child);
    });
  }
  function icon(name, path) {
    var svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("class", window.Core.classes ? window.Core.classes("icon " + name) : "icon " + name);
    svg.setAttribute("aria-hidden", "true");
    var line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  }
  function id() { ordinal += 1; return "c" + ordinal + Math.random().toString(36).slice(2, 6); }
  function root(host, mode) {
    var made = host.attachShadow({ mode: mode });
    made.adoptedStyleSheets = [sheet];
    return made;
  }

  function problem(words, kind) { var e = new Error(words); e.kind = kind; return e; }
  var TROUBLE = "We hit a problem. Please try again.";
  // One call; an error's kind is: out (signed out), page (replaced by another page), refused (words to show at the
  // form), failed (nobody knows what happened).
  function call(method, path, body, raw) {
    var init = { method: method, headers: { accept: "application/json" } };
    if (raw) init.body = raw;
    else if (body !== undefined) { init.headers["content-type"] = "application/json"; init.body = JSON.stringify(body); }
    return fetch(path, init).catch(function () { throw problem(TROUBLE, "failed"); }).then(function (answer) {
      var kind = answer.headers.get("content-type") || "";
      if (answer.status === 401) { location.replace("/signed-out"); throw problem("", "out"); }
      if (answer.ok && kind.indexOf("json") < 0) {
        return answer.text().then(function (html) { document.documentElement.innerHTML = html; throw problem("", "page"); });
      }
      if (kind.indexOf("json") < 0) throw problem(TROUBLE, "failed");
      return answer.json().catch(function () { throw problem(TROUBLE, "failed"); }).then(function (value) {
        if (answer.ok) return value;
        throw problem(value.message || TROUBLE, answer.status < 500 && answer.status !== 408 ? "refused" : "failed");
      });
    });
  }
  function query(values) { return new URLSearchParams(values).toString(); }
  function silent(error) { return error.kind === "out" || error.kind === "page"; }

  function input(value, more) {
    var el = h("input", Object.assign({ type: "text", autocomplete: "off", id: id() }, more || {}));
    el.value = value || "";
    return el;
  }
  function usDate(iso) { var p = (iso || "").split("-"); return p.length === 3 ? p[1] + "/" + p[2] + "/" + p[0] : ""; }
  function alertBox() {
    var el = h("div", { class: "alert", role: "alert", hidden: true });
    el.say = function (words) { el.textContent = words; el.hidden = !words; };
    el.tell = function (error) { if (!silent(error)) el.say(error.message); };
    return el;
  }

  function name(target) {
    var control = target.closest ? target.closest("button, a, input, select, textarea, label, [role]") : null;
    var el = control || target;
    var words = el.getAttribute("aria-label") || el.textContent || el.name || "";
    return (el.tagName.toLowerCase() + " " + words.trim().replace(/\s+/g, " ").slice(0, 60)).trim();
  }
  document.addEventListener("click", function (event) {
    if (!event.isTrusted) return;
    waiting.clicks.push({
      clientX: event.clientX, clientY: event.clientY, target: name(event.composedPath()[0]),
      viewport: [window.innerWidth, window.innerHeight], ratio: window.devicePixelRatio
    });
  }, true);
  var sending = false;
  setInterval(function () {
    if (sending) return;
    sending = true;
    var sent = waiting;
    waiting = { clicks: [], closed: [] };
    fetch("/pulse", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(sent) })
      .then(function (answer) { return answer.json(); })
      .then(function (state) { if (state.state === "out") location.replace("/signed-out"); })
      .catch(function () {
        waiting.clicks = sent.clicks.concat(waiting.clicks);
        waiting.closed = sent.closed.concat(waiting.closed);
      })
      .finally(function () { sending = false; });
  }, settings.pulseMs || 500);

  window.Core = {
    settings: settings, sheet: sheet, h: h, add: add, icon: icon, id: id, root: root, call: call, query: query,
    silent: silent, input: input, usDate: usDate, alertBox: alertBox,
    closed: function (what) { waiting.closed.push(what); }
  };
})();
