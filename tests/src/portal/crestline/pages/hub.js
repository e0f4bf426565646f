// The hub's application: home, the second confirmation, the idle warning, and the frame with the application proper.
(function () {
  "use strict";
  var settings = JSON.parse(document.getElementById("settings").textContent);
  var root = document.getElementById("root");
  var S = window.Shared, h = S.h;
  var view, frame = null, lastRoute = "";

  function out() { location.href = "/login?out=1"; }
  function call(method, path, body) {
    return S.call(method, path, body).catch(function (error) {
      if (error.kind === "out") out();
      throw error;
    });
  }

  function dialog(title, children) {
    var box = h("div", { role: "dialog", "aria-modal": "true", "aria-label": title, class: "dialog" },
      [h("h2", {}, [title])].concat(children));
    var shade = h("div", { class: "shade" }, [box]);
    document.body.append(shade);
    return shade;
  }

  function frameOf(overlay) {
    if (!overlay || S.unasked(overlay)) return;
    var shade;
    shade = dialog(overlay.title, [h("p", {}, [overlay.text]), h("div", { class: "row" }, [
      h("button", { type: "button", onclick: function () { Pulse.closed(overlay.kind); shade.remove(); } }, [overlay.button])
    ])]);
  }

  function chrome() {
    view = h("main", { class: "view" }, []);
    root.replaceChildren(
      h("header", { class: "top" }, [
        h("div", { class: "brand" }, [h("span", { class: "mark" }, []), "Crestline ", h("b", {}, ["Connect"])]),
        h("nav", { "aria-label": "Main" }, [h("a", { href: "#/home" }, ["Home"])]),
        h("div", { class: "who" }, [
          h("span", {}, [(settings.organization || "") + " · " + settings.user]),
          h("a", { href: "/logout" }, ["Sign out"])
        ])
      ]),
      view,
      h("footer", {}, ["Crestline Connect · Crestline Mutual and Fernbrook Health"]));
  }

  var TILES = [
    ["#/eligibility", "Eligibility and Benefits", "Coverage, copayments and what is left of a deductible"],
    ["#/auth/dashboard", "Authorizations & Referrals", "Start a request, follow it, find an older one"],
    ["#/claims", "Claim Status", "Where a claim for payment stands"],
    ["#/spaces", "Payer Spaces", "News and documents of each payer"]
  ];

  function home() {
    frame = null;
    view.replaceChildren(h("p", { class: "loading" }, ["Loading…"]));
    call("GET", "/api/home").then(function (data) {
      var tiles = TILES.map(function (tile) {
        return h("a", { class: "tile", href: tile[0] }, [h("strong", {}, [tile[1]]), h("span", {}, [tile[2]])]);
      });
      var news = data.announcements.map(function (note) {
        return h("li", {}, [h("strong", {}, [note.title]), " ", note.text]);
      });
      view.replaceChildren(
        h("h1", {}, ["Welcome"]),
        h("div", data.banner ? { class: "banner", role: "status" } : {}, [data.banner]),
        h("div", { class: "tiles" }, tiles),
        h("section", { class: "news", "aria-label": "Announcements" }, [h("h2", {}, ["Announcements"]), h("ul", {}, news)]));
      if (data.reminder) reminder(data.reminder);
      frameOf(data.overlay);
    }).catch(broken);
  }
  function broken(error) {
    if (error.kind === "out" || error.kind === "page") return;
    var words = error.message;
    view.replaceChildren(h("div", { class: "alert", role: "alert" }, [words]));
  }
  function reminder(address) {
    var shade;
    function answer(choice) {
      call("POST", "/api/reminder", { choice: choice }).catch(function () {});
      shade.remove();
    }
    shade = dialog("Verify your e-mail address", [
      h("p", {}, ["We send notices to " + address + ". Is this still right?"]),
      h("div", { class: "row" }, [
        h("button", { type: "button", class: "primary", onclick: function () { answer("send"); } }, ["Send e-mail"]),
        h("button", { type: "button", onclick: function () { answer("later"); } }, ["Remind me later"])
      ])
    ]);
  }

  function confirmFirst(then) {
    call("GET", "/api/stepup").then(function (state) {
      if (!state.needed) { then(); return; }
      view.replaceChildren();
      frame = null;
      var code = h("input", { id: "stepup-code", type: "text", inputmode: "numeric", autocomplete: "off" });
      var alert = h("div", { class: "alert", role: "alert", hidden: "" }, []);
      var shade;
      var form = h("form", {
        onsubmit: function (event) {
          event.preventDefault();
          call("POST", "/api/stepup", { code: code.value }).then(function () { shade.remove(); then(); })
            .catch(function (error) { alert.textContent = error.message; alert.hidden = false; code.value = ""; });
        }
      }, [
        h("p", {}, ["Authorizations hold clinical information. Enter a new code from your authenticator."]),
        h("label", { for: "stepup-code" }, ["Code"]), code, alert,
        h("div", { class: "row" }, [h("button", { class: "primary", type: "submit" }, ["Confirm"])])
      ]);
      shade = dialog("Confirm it's you", [form]);
      code.focus();
    }).catch(broken);
  }

  function application(route) {
    var address = settings.apps + "/app" + route;
    if (frame && frame.isConnected) { frame.src = address; return; }
    frame = h("iframe", { title: "Application", src: address, class: "application" }, []);
    view.replaceChildren(frame);
  }

  function go() {
    var route = location.hash || "#/home";
    document.querySelectorAll(".shade").forEach(function (el) { if (!el.dataset.idle) el.remove(); });
    if (route === lastRoute && frame) return;
    lastRoute = route;
    if (route.indexOf("#/auth") === 0) { confirmFirst(function () { application(route); }); }
    else if (route === "#/claims" || route === "#/eligibility") application(route);
    else if (route === "#/spaces") {
      frame = null;
      view.replaceChildren(h("h1", {}, ["Payer Spaces"]), h("p", {}, ["No new documents."]));
    } else home();
  }

  window.addEventListener("message", function (event) {
    if (event.origin !== settings.apps || !event.data) return;
    if (event.data.kind === "signed-out") out();
    if (event.data.kind === "confirm") confirmFirst(function () { application(location.hash); });
    if (event.data.kind === "route" && event.data.route !== location.hash) {
      lastRoute = event.data.route;
      history.replaceState(null, "", event.data.route);
    }
  });
  window.addEventListener("hashchange", go);

  var warning = null, count = null;
  Pulse.listen(function (state) {
    if (state.state !== "in") { out(); return; }
    if (state.left <= 60) {
      if (!warning) {
        count = h("span", {}, []);
        warning = dialog("Still there?", [
          h("p", {}, ["You will be signed out in ", count, " seconds."]),
          h("div", { class: "row" }, [h("button", {
            type: "button", class: "primary",
            onclick: function () { call("POST", "/api/stay", {}).catch(function () {}); warning.remove(); warning = null; }
          }, ["Stay signed in"])])
        ]);
        warning.dataset.idle = "1";
      }
      count.textContent = String(Math.max(0, state.left));
    } else if (warning) { warning.remove(); warning = null; }
  });

  chrome();
  go();
})();
