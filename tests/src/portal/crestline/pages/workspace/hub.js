// The redesigned hub: a menu on the left, home, the second confirmation in the page, the idle warning, and the frame.
(function () {
  "use strict";
  var K = window.Kit, h = K.h, settings = K.settings;
  var stage, frame = null, lastRoute = "";
  function out() { location.href = "/login?out=1"; }

  var PLACES = [
    ["#/home", "Start"], ["#/claims", "Claims"], ["#/auth/dashboard", "Auths"], ["#/eligibility", "Coverage"], ["#/spaces", "Plan news"]
  ];
  function outline() {
    stage = h("main", { class: "wk-stage" });
    K.root.replaceChildren(h("div", { class: "wk-shell" }, [
      h("aside", { class: "wk-side" }, [
        h("p", { class: "wk-name" }, ["Crestline ", h("strong", {}, "Connect")]),
        h("nav", { "aria-label": "Sections" }, h("ul", {}, PLACES.map(function (place) {
          return h("li", {}, h("a", { href: place[0] }, place[1]));
        }))),
        h("p", { class: "wk-me" }, [settings.user, h("br"), settings.organization || "", h("br"), h("a", { href: "/logout" }, "Log out")])
      ]),
      stage
    ]));
  }
  function mark(route) {
    K.root.querySelectorAll("nav a").forEach(function (a) {
      var here = a.getAttribute("href").split("/")[1] === route.split("/")[1];
      if (here) a.setAttribute("aria-current", "page"); else a.removeAttribute("aria-current");
    });
  }
  function failed(error) {
    if (error.kind === "out") { out(); return; }
    if (error.kind === "page") return;
    stage.replaceChildren(K.warn(error.message || K.wentWrong()));
  }

  function home() {
    frame = null;
    stage.replaceChildren(K.waiting(3));
    K.call("GET", "/api/home").then(function (data) {
      stage.replaceChildren.apply(stage, [
        h("h1", {}, "Your desk"),
        data.banner ? h("p", { class: "wk-told", role: "status" }, data.banner) : null,
        h("p", {}, "Choose a section on the left to begin."),
        h("section", { class: "wk-card", "aria-label": "Latest news" }, [h("h2", {}, "Latest news"), h("dl", {}, data.announcements.map(function (note) {
          return h("div", {}, [h("dt", {}, note.title), h("dd", {}, note.text)]);
        }))])
      ].filter(Boolean));
      if (data.reminder) reminder(data.reminder);
      K.over(data.overlay);
    }).catch(failed);
  }
  function reminder(address) {
    var box;
    function answer(choice) {
      K.call("POST", "/api/reminder", { choice: choice }).catch(function () {});
      box.remove();
    }
    box = h("div", { class: "wk-over" }, h("div", { class: "wk-card", role: "dialog", "aria-modal": "true", "aria-label": "Verify your e-mail address" }, [
      h("h2", {}, "Verify your e-mail address"), h("p", {}, "Notices go to " + address + ". Is this address still right?"),
      h("div", { class: "wk-foot" }, [K.button("Not today", function () { answer("later"); }), K.button("Send e-mail", function () { answer("send"); }, true)])
    ]));
    document.body.append(box);
  }

  // The second confirmation is a panel of the page.
  function confirmed(then) {
    K.call("GET", "/api/stepup").then(function (state) {
      if (!state.needed) { then(); return; }
      frame = null;
      var code = K.input("", { inputmode: "numeric" });
      var wrong = h("div", { class: "wk-warn", role: "alert", hidden: true });
      stage.replaceChildren(h("section", { class: "wk-card", "aria-label": "Confirm it's you" }, [
        h("h2", {}, "Confirm it's you"), h("p", {}, "This section holds clinical information. Enter the next code of your authenticator."),
        h("form", { onsubmit: function (event) {
          event.preventDefault();
          K.call("POST", "/api/stepup", { code: code.value }).then(then).catch(function (error) {
            if (error.kind === "out") { out(); return; }
            wrong.textContent = error.message; wrong.hidden = false; code.value = "";
          });
        } }, [K.labelled("Security code", code), wrong, h("div", { class: "wk-foot" }, h("button", { type: "submit", class: "wk-main" }, "Go on"))])
      ]));
      code.focus();
    }).catch(failed);
  }

  function open(route) {
    var address = settings.apps + "/app" + route;
    if (frame && frame.isConnected) { frame.src = address; return; }
    frame = h("iframe", { title: "Workspace", src: address, class: "wk-frame" });
    stage.replaceChildren(frame);
  }
  function go() {
    var route = location.hash || "#/home";
    document.querySelectorAll(".wk-over").forEach(function (el) { if (!el.dataset.idle) el.remove(); });
    if (route === lastRoute && frame) return;
    lastRoute = route;
    mark(route);
    if (route.indexOf("#/auth") === 0) confirmed(function () { open(route); });
    else if (route === "#/claims" || route === "#/eligibility") open(route);
    else if (route === "#/spaces") { frame = null; stage.replaceChildren(h("h1", {}, "Plan news"), h("p", {}, "No new documents.")); }
    else home();
  }
  window.addEventListener("message", function (event) {
    if (event.origin !== settings.apps || !event.data) return;
    if (event.data.kind === "signed-out") out();
    if (event.data.kind === "confirm") confirmed(function () { open(location.hash); });
    if (event.data.kind === "route" && event.data.route !== location.hash) {
      lastRoute = event.data.route;
      history.replaceState(null, "", event.data.route);
    }
  });
  window.addEventListener("hashchange", go);

  var warning = null, count = null;
  window.Pulse.listen(function (state) {
    if (state.state !== "in") { out(); return; }
    if (state.left > 60) { if (warning) { warning.remove(); warning = null; } return; }
    if (!warning) {
      count = h("strong", {});
      warning = h("div", { class: "wk-over" }, h("div", { class: "wk-card", role: "dialog", "aria-modal": "true", "aria-label": "Still there?" }, [
        h("h2", {}, "Still there?"), h("p", {}, ["You will be signed out in ", count, " seconds."]),
        h("div", { class: "wk-foot" }, K.button("Keep working", function () {
          K.call("POST", "/api/stay", {}).catch(function () {});
          warning.remove(); warning = null;
        }, true))
      ]));
      warning.dataset.idle = "1";
      document.body.append(warning);
    }
    count.textContent = String(Math.max(0, state.left));
  });

  outline();
  go();
})();
