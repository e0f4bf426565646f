// What the redesigned hub and its application share: elements, calls to the server, small controls.
(function () {
  "use strict";
  var settings = JSON.parse(document.getElementById("settings").textContent);
  var ordinal = 0;

  function h(tag, given, inside) {
    var el = document.createElement(tag);
    Object.keys(given || {}).forEach(function (key) {
      var value = given[key];
      if (typeof value === "function") el.addEventListener(key.slice(2), value);
      else if (value === true) el.setAttribute(key, "");
      else if (value !== false && value !== null && value !== undefined) el.setAttribute(key, value);
    });
    [].concat(inside === undefined ? [] : inside).forEach(function (one) {
      if (one !== null && one !== undefined && one !== false) el.append(one);
    });
    return el;
  }
  function wentWrong() {
    return "Something went wrong. Reference " + (crypto.randomUUID ? crypto.randomUUID() : String(Date.now())) + ".";
  }
  function problem(words, kind) { var e = new Error(words); e.kind = kind; return e; }

  // One call; an error's kind is: out, confirm, page (another page took this one's place), network, refused, failed.
  function call(method, path, body, raw) {
    var init = { method: method, headers: { accept: "application/json" } };
    if (raw) init.body = raw;
    else if (body !== undefined) { init.headers["content-type"] = "application/json"; init.body = JSON.stringify(body); }
    return fetch(path, init).catch(function () { throw problem(wentWrong(), "network"); }).then(function (answer) {
      var json = (answer.headers.get("content-type") || "").indexOf("json") >= 0;
      if (answer.status === 401) throw problem("", "out");
      if (answer.ok && !json) {
        return answer.text().then(function (html) { document.documentElement.innerHTML = html; throw problem("", "page"); });
      }
      if (!json) throw problem(wentWrong(), "failed");
      return answer.json().catch(function () { throw problem(wentWrong(), "failed"); }).then(function (value) {
        if (answer.ok) return value;
        if (answer.status === 403 && value.reasonCode === "CONFIRM") throw problem("", "confirm");
        var known = [404, 410, 422].indexOf(answer.status) >= 0;
        throw problem(value.userMessage || wentWrong(), known ? "refused" : "failed");
      });
    });
  }

  function warn(words) { return h("div", { class: "wk-warn", role: "alert" }, words); }
  function button(words, does, main) {
    return h("button", { type: "button", class: main ? "wk-main" : "wk-plain", onclick: does }, words);
  }
  function input(value, more) {
    var el = h("input", Object.assign({ type: "text", autocomplete: "off" }, more || {}));
    el.value = value || "";
    return el;
  }
  function choice(options, value, empty) {
    var el = h("select", {}, [h("option", { value: "" }, empty)].concat(options.map(function (o) { return h("option", { value: o[0] }, o[1]); })));
    el.value = value || "";
    return el;
  }
  // A control under its words; `hint` is shown below.
  function labelled(words, control, hint) {
    ordinal += 1;
    var target = /^(INPUT|SELECT)$/.test(control.tagName) ? control : control.querySelector("input");
    target.id = "wk" + ordinal + "-" + Math.random().toString(36).slice(2, 7);
    return h("div", { class: "wk-cell" }, [h("label", { for: target.id }, words), control, hint]);
  }
  function pairs(list) {
    return h("dl", { class: "wk-pairs" }, list.filter(function (p) { return p[1] !== null && p[1] !== undefined && p[1] !== ""; }).map(function (p) {
      return h("div", { class: "wk-pair" }, [h("dt", {}, p[0]), h("dd", {}, p[1])]);
    }));
  }
  function grid(caption, heads, rows) {
    return h("div", { class: "wk-scroll" }, h("table", { class: "wk-grid" }, [h("caption", {}, caption),
      h("thead", {}, h("tr", {}, heads.map(function (head) { return h("th", { scope: "col" }, head); }))),
      h("tbody", {}, rows.map(function (cells) { return h("tr", {}, cells.map(function (cell) { return h("td", {}, cell); })); }))]));
  }
  function waiting(rows) {
    var bars = [];
    for (var i = 0; i < rows; i += 1) bars.push(h("span", {}));
    return h("div", { class: "wk-waiting", "aria-busy": "true" }, bars);
  }
  // A notice or a survey that lies over the page.
  function over(what) {
    if (!what) return;
    var box;
    function close() { window.Pulse.closed(what.kind); box.remove(); }
    var card = h("div", { class: "wk-card", role: "dialog", "aria-modal": "true", "aria-label": what.title },
      [h("h2", {}, what.title), h("p", {}, what.text), h("div", { class: "wk-foot" }, button(what.button, close))]);
    box = h("div", { class: "wk-over" }, card);
    document.body.append(box);
  }

  window.Kit = {
    settings: settings, root: document.getElementById("wk-app"), h: h, call: call, wentWrong: wentWrong, warn: warn, button: button,
    input: input, choice: choice, labelled: labelled, pairs: pairs, grid: grid, waiting: waiting, over: over
  };
})();
