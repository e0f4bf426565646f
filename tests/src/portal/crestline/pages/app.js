// The application inside the frame: helpers all its pages share, and the routes. Pages are in wizard.js, services.js
// and records.js.
(function () {
  "use strict";
  var settings = JSON.parse(document.getElementById("settings").textContent);
  var S = window.Shared, h = S.h, call = S.call, input = S.input, wentWrong = S.wentWrong;
  var root = document.getElementById("root");
  var pages = [], ordinal = 0;

  function tell(message) { window.parent.postMessage(message, settings.hub); }
  function silent(error) { return S.silent(tell, error); }
  function broken(error) {
    if (silent(error)) return;
    draw(null, [h("div", { class: "alert", role: "alert" }, error.message)]);
  }

  function field(label, control, hint) {
    ordinal += 1;
    var target = control.querySelector && !/^(INPUT|SELECT)$/.test(control.tagName) ? control.querySelector("input") : control;
    target.id = "f" + ordinal + Math.random().toString(36).slice(2, 6);
    return h("div", { class: "field" }, [h("label", { for: target.id }, label), control, hint]);
  }
  function facts(pairs) {
    var dl = h("dl", { class: "facts" });
    pairs.forEach(function (pair) {
      if (pair[1] === null || pair[1] === undefined || pair[1] === "") return;
      dl.append(h("dt", {}, pair[0]), h("dd", pair[2] ? { class: pair[2] } : {}, pair[1]));
    });
    return dl;
  }
  function table(heads, rows) {
    return h("table", {}, [
      h("thead", {}, h("tr", {}, heads.map(function (head) { return h("th", { scope: "col" }, head); }))),
      h("tbody", {}, rows.map(function (cells) { return h("tr", {}, cells.map(function (cell) { return h("td", {}, cell); })); }))
    ]);
  }

  var TABS = [["#/auth/dashboard", "Dashboard"], ["#/auth/search", "Search requests"], ["#/auth/new", "New request"]];
  function draw(tab, content) {
    var tabs = tab && h("nav", { class: "tabs", "aria-label": "Authorizations" }, TABS.map(function (t) {
      return h("a", { href: t[0], class: t[0] === tab ? "on" : null, "aria-current": t[0] === tab ? "page" : null }, t[1]);
    }));
    root.replaceChildren.apply(root, [tabs].concat(content).filter(Boolean));
    window.scrollTo(0, 0);
  }
  function banner(text) { return text ? h("div", { class: "banner", role: "status" }, text) : null; }
  function overlay(what) {
    if (!what || S.unasked(what)) return;
    var box;
    function close() { window.Pulse.closed(what.kind); box.remove(); }
    var button = h("button", { type: "button", onclick: close }, what.button);
    if (what.kind === "survey") {
      box = h("div", { class: "survey", role: "complementary", "aria-label": what.title }, [
        h("h2", {}, what.title), h("p", {}, what.text),
        h("div", { class: "row" }, [1, 2, 3, 4, 5].map(function (n) { return h("button", { type: "button", onclick: close }, String(n)); })),
        h("div", { class: "row" }, button)
      ]);
    } else {
      box = h("div", { class: "shade" }, h("div", { class: "dialog", role: "dialog", "aria-modal": "true", "aria-label": what.title },
        [h("h2", {}, what.title), h("p", {}, what.text), h("div", { class: "row" }, button)]));
    }
    document.body.append(box);
  }
  function skeleton(rows) {
    var bars = [];
    for (var i = 0; i < rows; i += 1) bars.push(h("div", {}));
    return h("div", { class: "skeleton", "aria-busy": "true" }, bars);
  }

  function page(pattern, show) { pages.push([pattern, show]); }
  function go() {
    var route = location.hash || "#/auth/dashboard";
    tell({ kind: "route", route: route });
    document.querySelectorAll(".shade, .survey, .toast").forEach(function (el) { el.remove(); });
    for (var i = 0; i < pages.length; i += 1) {
      var match = pages[i][0].exec(route);
      if (match) { pages[i][1](match[1] ? decodeURIComponent(match[1]) : undefined); return; }
    }
    draw(null, [h("p", {}, "This page does not exist.")]);
  }
  window.addEventListener("hashchange", go);
  document.addEventListener("DOMContentLoaded", go);

  window.App = {
    settings: settings, h: h, call: call, broken: broken, silent: silent, field: field, input: input, select: S.select,
    facts: facts, table: table, draw: draw, banner: banner, overlay: overlay, skeleton: skeleton, page: page,
    wentWrong: wentWrong, tell: tell
  };
})();
