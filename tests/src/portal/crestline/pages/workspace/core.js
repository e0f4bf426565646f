// What the redesigned hub and its application share: how elements, notices and small controls look.
(function () {
  "use strict";
  var settings = JSON.parse(document.getElementById("settings").textContent);
  var S = window.Shared, h = S.h, input = S.input, ordinal = 0;

  function warn(words) { return h("div", { class: "wk-warn", role: "alert" }, words); }
  function button(words, does, main) {
    return h("button", { type: "button", class: main ? "wk-main" : "wk-plain", onclick: does }, words);
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
    if (!what || S.unasked(what)) return;
    var box;
    function close() { window.Pulse.closed(what.kind); box.remove(); }
    var card = h("div", { class: "wk-card", role: "dialog", "aria-modal": "true", "aria-label": what.title },
      [h("h2", {}, what.title), h("p", {}, what.text), h("div", { class: "wk-foot" }, button(what.button, close))]);
    box = h("div", { class: "wk-over" }, card);
    document.body.append(box);
  }

  window.Kit = {
    settings: settings, root: document.getElementById("wk-app"), h: h, call: S.call, wentWrong: S.wentWrong, warn: warn, button: button,
    input: input, choice: S.select, labelled: labelled, pairs: pairs, grid: grid, waiting: waiting, over: over
  };
})();
