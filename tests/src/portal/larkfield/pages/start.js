// Starts the workspace: the shell, the context bar, addresses and what may lie over a page.
(function () {
  "use strict";
  var C = window.Core, K = window.Kit, h = C.h;
  var shell = document.querySelector("lf-shell");
  var NAV = [["/app", "Home"], ["/app/precheck", "Pre-check"], ["/app/request", "New request"], ["/app/requests", "My requests"],
    ["/app/library", "Document Library"], ["/app/eligibility", "Eligibility"], ["/app/claims", "Claims"]];
  var me = null;

  // For whom one acts. What was used last counts, here or elsewhere; changing it takes a dialog.
  function acting() {
    return [h("span", {}, "Acting for: "), h("b", { class: "for" }, me.acting.tin + " / " + me.acting.name), " ",
      h("span", { class: "npi" }, "NPI " + me.acting.npi), " ", K.button("Change", change, { class: "slim" })];
  }
  function change() {
    var alert = C.alertBox(), group = "t" + C.id(), wanted = me.acting.tin;
    var choices = me.choices.map(function (one) {
      var radio = h("input", { type: "radio", name: group, onchange: function () { wanted = one.tin; } });
      radio.checked = one.tin === wanted;
      return h("label", { class: "tick" }, [radio, " " + one.tin + " / " + one.name + " (NPI " + one.npi + ")"]);
    });
    var shade = over("dialog", "Act for another provider", [h("fieldset", {}, [h("legend", {}, "Provider")].concat(choices)), alert, h("div", { class: "row" }, [
      K.button("Use this provider", function () {
        alert.say("");
        C.call("POST", "/api/context", { tin: wanted }).then(function (now) {
          me.acting = App.acting = now;
          shade.remove();
          window.Request.restart();
          App.go("/app");
        }).catch(alert.tell);
      }, { class: "primary" }),
      K.button("Keep current", function () { shade.remove(); })])]);
  }
  function over(kind, title, children) {
    var shade = h("div", { class: kind === "survey" ? "survey" : "shade" },
      h("div", { class: "box", role: "dialog", "aria-modal": "true", "aria-label": title }, [h("h2", {}, title)].concat(children)));
    shell.stage.append(shade);
    return shade;
  }
  function extras(view) {
    if (!view) return;
    if (view.overlay) {
      var what = view.overlay;
      var shade = over(what.kind, what.title, [h("p", {}, what.text), h("div", { class: "row" }, h("button", {
        type: "button", onclick: function () { C.closed(what.kind); shade.remove(); }
      }, what.button))]);
    }
    (view.files || []).forEach(function (file) { document.body.append(h("iframe", { hidden: true, title: "", src: file })); });
  }

  function draw(parts, view) {
    var here = location.pathname;
    var nav = NAV.map(function (n) { return [n[0], n[1], n[0] === here, App.follow]; });
    var banner = view && view.banner ? h("div", { class: "banner", role: "status" }, view.banner) : null;
    var notice = view && view.notice ? h("div", { class: "banner" }, [view.notice + " ", h("a", { href: "https://elsewhere.test/" }, "Continue here")]) : null;
    var main = h("main", { class: "view" }, [banner, notice].concat(parts).filter(Boolean));
    shell.draw(K.frame(acting(), nav, me.user).concat([main, h("footer", {}, "Larkfield National \u00b7 Provider Workspace")]));
    window.scrollTo(0, 0);
    extras(view);
  }
  function broken(error) {
    if (C.silent(error)) return;
    draw([K.heading("Something is missing"), h("div", { class: "alert", role: "alert" }, error.message)], null);
  }

  function route() {
    var path = location.pathname.replace(/\/$/, ""), state = history.state || {};
    var request = /^\/app\/requests\/([^/]+)$/.exec(path), p2p = /^\/app\/p2p\/([^/]+)$/.exec(path);
    if (request && state.result) window.Records.result(request[1], state);
    else if (request) window.Records.detail(request[1]);
    else if (p2p) window.Records.peer(p2p[1]);
    else if (path === "/app/precheck") window.Request.precheck();
    else if (path === "/app/request") window.Request.open();
    else if (path === "/app/requests") window.Records.list();
    else if (path === "/app/library") window.Records.library();
    else if (path === "/app/eligibility") window.Records.eligibility();
    else if (path === "/app/claims") window.Records.claims();
    else window.Records.home();
  }
  window.addEventListener("popstate", route);

  window.App = {
    acting: null, draw: draw, extras: extras, broken: broken,
    view: function (name) {
      return C.call("GET", "/api/views/" + name).then(function (view) { K.renamed = view.renamed; return view; });
    },
    go: function (path, state) { history.pushState(state || {}, "", path); route(); },
    follow: function (event) {
      var link = event.currentTarget;
      if (event.ctrlKey || event.metaKey || !link.getAttribute("href").startsWith("/app")) return;
      event.preventDefault();
      App.go(link.getAttribute("href"));
    },
    toast: function (words) { shell.stage.append(h("div", { class: "toast", role: "alert" }, words)); }
  };

  fetch(shell.dataset.sheet).then(function (answer) { return answer.text(); }).then(function (css) {
    C.sheet.replaceSync(css);
    shell.begin();
    return C.call("GET", "/api/me");
  }).then(function (answer) {
    me = answer;
    App.acting = me.acting;
    route();
  }).catch(function (error) {
    if (!C.silent(error)) shell.stage ? shell.draw([h("div", { class: "alert", role: "alert" }, error.message)]) : location.reload();
  });
})();
