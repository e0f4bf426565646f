// The redesigned application inside the frame: routes, and what its pages have around them.
(function () {
  "use strict";
  var K = window.Kit, h = K.h;
  var pages = [];
  function tell(message) { window.parent.postMessage(message, K.settings.hub); }

  function silent(error) { return window.Shared.silent(tell, error); }
  function broken(error) { if (!silent(error)) draw(null, [K.warn(error.message)]); }

  var TABS = [["#/auth/new", "Start a request"], ["#/auth/search", "Find requests"], ["#/auth/dashboard", "My list"]];
  function draw(tab, content) {
    var strip = tab && h("div", { class: "wk-strip", role: "navigation", "aria-label": "Auths" }, TABS.map(function (t) {
      return h("a", { href: t[0], "aria-current": t[0] === tab ? "page" : null }, t[1]);
    }));
    K.root.replaceChildren.apply(K.root, [strip, h("div", { class: "wk-sheet" }, content.filter(Boolean))].filter(Boolean));
    window.scrollTo(0, 0);
  }
  // A date as pages write it, from what the date control gives.
  function shown(date) {
    var parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
    return parts ? parts[2] + "/" + parts[3] + "/" + parts[1] : date;
  }
  function dateBox(value) { return K.input(value, { type: "date" }); }

  function page(pattern, show) { pages.push([pattern, show]); }
  function go() {
    var route = location.hash || "#/auth/dashboard";
    tell({ kind: "route", route: route });
    document.querySelectorAll(".wk-over, .wk-toast").forEach(function (el) { el.remove(); });
    for (var i = 0; i < pages.length; i += 1) {
      var match = pages[i][0].exec(route);
      if (match) { pages[i][1](match[1] ? decodeURIComponent(match[1]) : undefined); return; }
    }
    draw(null, [h("p", {}, "This page does not exist.")]);
  }
  window.addEventListener("hashchange", go);
  document.addEventListener("DOMContentLoaded", go);
  window.Frame = { tell: tell, silent: silent, broken: broken, draw: draw, shown: shown, dateBox: dateBox, page: page };
})();
