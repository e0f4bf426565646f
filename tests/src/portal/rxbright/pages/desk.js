// The redesigned pages: the way in, the dashboard with its tabs and the bell, and a new request as a wizard. One request is in
// the second half. Functions, checks and addresses are those of the first pages.
(function () {
  "use strict";
  var Rx = window.Rx, h = Rx.h, call = Rx.call, salt = Math.random().toString(36).slice(2, 7), ordinal = 0;
  var root = document.getElementById("root"), relabelled = Rx.settings.relabelled;
  var words = relabelled
    ? { send: "Hand over to the plan", begin: "Go ahead", sign: "Put my name to it" }
    : { send: "Send request to the plan", begin: "Begin request", sign: "Add signature" };

  function id() { ordinal += 1; return "x" + salt + ordinal; }
  function line(label, control, hint) {
    control.id = id();
    return h("div", { class: "q-line" }, [h("div", { class: "q-head" }, h("label", { for: control.id }, label)), h("div", { class: "q-body" }, [control, hint && h("em", {}, hint)])]);
  }
  function text(more) { return h("input", Object.assign({ type: "text", autocomplete: "off", name: id() }, more || {})); }
  function date() { return h("input", { type: "date", name: id() }); }
  function iso(us) { var m = /^(\d\d)\/(\d\d)\/(\d{4})$/.exec(us || ""); return m ? m[3] + "-" + m[1] + "-" + m[2] : us || ""; }
  function us(value) { var m = /^(\d{4})-(\d\d)-(\d\d)$/.exec(value || ""); return m ? m[2] + "/" + m[3] + "/" + m[1] : value || ""; }
  function act(label, run, kind) { return h("button", { type: "button", class: "b " + (kind || ""), onclick: run }, label); }
  function pick(options, empty) {
    return h("select", { name: id() }, [h("option", { value: "" }, empty)].concat(options.map(function (o) { return h("option", { value: o }, o); })));
  }
  function choices(label, options, value, changed) {
    var name = id(), group = h("div", { role: "radiogroup", "aria-label": label, class: "choices" });
    options.forEach(function (o) {
      var box = h("input", { type: "radio", name: name, onchange: function () { changed(o[0]); } });
      box.checked = o[0] === value;
      group.append(h("label", { class: "choice" }, [box, h("span", {}, o[1])]));
    });
    return group;
  }
  function problem() { return h("div", { class: "problem", role: "alert", hidden: true }); }
  function tell(box, error) {
    if (error && Rx.silent(error)) return;
    box.textContent = error ? error.message : ""; box.hidden = !error;
  }
  function sheet(title, heads, rows) {
    return h("div", { class: "sheet" }, [h("h3", {}, title), h("table", { "aria-label": title }, [
      h("thead", {}, h("tr", {}, heads.map(function (x) { return h("th", { scope: "col" }, x); }))), h("tbody", {}, rows)])]);
  }
  function modal(title, children) {
    var veil = h("div", { class: "veil" }, h("section", { class: "modal", role: "dialog", "aria-modal": "true", "aria-label": title }, [h("h2", {}, title)].concat(children)));
    document.body.append(veil);
    return veil;
  }
  function over(what) {
    if (!what) return;
    function close() { call("POST", "/api/closed", { kind: what.kind }).catch(function () {}); veil.remove(); }
    var veil = modal(what.title, [h("p", {}, what.text), h("div", { class: "bar" }, [what.kind === "passkey" && act("Use a passkey", close, "main"), act(what.kind === "passkey" ? "Maybe later" : "Dismiss", close)])]);
  }

  function front(title, children) {
    document.querySelectorAll(".veil").forEach(function (el) { el.remove(); });
    root.replaceChildren(h("div", { class: "front" }, [h("aside", {}, [h("div", { class: "mark" }, "RxBright"), h("p", {}, "Drug requests, from prescriber to plan.")]),
      h("main", {}, [h("h1", {}, title)].concat(children))]));
  }
  var bell = null;
  // What was announced stays here instead of vanishing.
  function ring() {
    call("GET", "/api/notices").then(function (value) {
      if (!bell) return;
      bell.button.textContent = "Notices (" + value.notices.length + ")";
      bell.list.replaceChildren.apply(bell.list, value.notices.length ? value.notices.map(function (n) { return h("li", {}, [h("b", {}, n.key), " " + n.text]); }) : [h("li", {}, "Nothing new.")]);
    }).catch(function () {});
  }
  function frame(place, children) {
    document.querySelectorAll(".veil").forEach(function (el) { el.remove(); });
    var who = h("span", { class: "who" }), list = h("ul", { class: "bell", hidden: true, "aria-label": "Notices" });
    var button = act("Notices", function () { list.hidden = !list.hidden; }, "ghost");
    bell = { button: button, list: list };
    function item(path, label) { return h("li", {}, act(label, function () { Rx.go(path); }, place === path ? "side on" : "side")); }
    root.replaceChildren(h("div", { class: "frame" }, [
      h("aside", {}, [h("div", { class: "mark" }, "RxBright"), h("ul", { class: "menu" }, [item("/dashboard", "My desk"), item("/new", "Begin a request")])]),
      h("div", { class: "sheetside" }, [h("div", { class: "strip" }, [who, button, list, act("Leave", function () {
        call("POST", "/api/logout").catch(function () {}).then(function () { Rx.go("/account"); });
      }, "ghost")]), h("main", {}, children)])
    ]));
    call("GET", "/api/me").then(function (me) { who.textContent = me.only ? "One request, opened by its key" : me.user; over(me.overlay); Rx.files(me.files); }).catch(function () {});
    ring();
    window.scrollTo(0, 0);
  }

  Rx.page(/^\/enter$/, function () {
    var key = text(), last = text(), born = date(), box = problem();
    front("Look up a request", [box, h("form", { onsubmit: function (e) {
      e.preventDefault(); tell(box);
      call("POST", "/api/enter", { key: key.value, lastName: last.value, dob: us(born.value) }).then(function (v) { Rx.enter("/request/" + v.key, v); }, function (x) { tell(box, x); });
    } }, [line("Patient's date of birth", born), line("Patient's last name", last), line("Request key", key), h("button", { class: "b main" }, "Look it up")]),
    act("Use my account", function () { Rx.go("/account"); }, "ghost")]);
  });
  Rx.page(/^\/account$/, function () {
    var mail = text({ type: "email" }), pasted = text(), box = problem(), note = h("p", { class: "hint", role: "status" });
    var step = h("form", { hidden: true, onsubmit: function (e) { e.preventDefault(); arrive(pasted.value, box); } }, [line("Your sign-in link", pasted, "Or open it in this browser."), h("button", { class: "b main" }, "Go on")]);
    front("Welcome back", [box, h("form", { onsubmit: function (e) {
      e.preventDefault(); tell(box);
      call("POST", "/api/account", { email: mail.value }).then(function (v) { note.textContent = v.message; step.hidden = false; pasted.focus(); }, function (x) { tell(box, x); });
    } }, [line("Work e-mail", mail), h("button", { class: "b main" }, "Mail me a sign-in link")]), note, step, act("I only have a key", function () { Rx.go("/enter"); }, "ghost")]);
    if (location.search.indexOf("out") >= 0) tell(box, { message: "You have been signed out." });
  });
  function arrive(link, box) {
    tell(box);
    call("POST", "/api/link", { link: link }).then(function (v) {
      if (!v.terms) { Rx.enter("/dashboard", v); return; }
      var tick = h("input", { type: "checkbox", id: id() });
      front("Our terms have changed", [h("blockquote", {}, v.terms), h("div", { class: "choice" }, [tick, h("label", { for: tick.id }, "I have read and accept the terms")]), act("Accept and go on", function () {
        if (tick.checked) call("POST", "/api/terms").then(function () { Rx.enter("/dashboard", v); }).catch(function () {});
      }, "main")]);
    }, function (x) { tell(box, x); });
  }
  Rx.page(/^\/link\/([^/]+)$/, function (link) {
    var box = problem();
    front("One moment", [box, act("Ask for another link", function () { Rx.go("/account"); }, "ghost")]);
    arrive(link, box);
  });

  // Columns in another order; the start date is not shown any more.
  var HEADS = ["Status", "Sent to plan", "Patient", "Drug", "Member ID", "Request key", "Changed"];
  function row(r) {
    var cells = [r.status, r.sent || "Not sent", r.patient, r.drug, r.memberId, act(r.key, function () { Rx.go("/request/" + r.key); }, "ghost"), r.changed];
    return h("tr", {}, cells.map(function (c) { return h("td", {}, c); }));
  }
  function tabs(names, show) {
    var bar = h("div", { role: "tablist", class: "tabs" }), body = h("div", { role: "tabpanel" });
    function open(at) {
      Array.prototype.forEach.call(bar.children, function (tab, i) { tab.setAttribute("aria-selected", String(i === at)); });
      body.replaceChildren.apply(body, show(at).filter(Boolean));
    }
    names.forEach(function (name, at) { bar.append(h("button", { type: "button", role: "tab", "aria-selected": "false", onclick: function () { open(at); } }, name)); });
    open(0);
    return [bar, body];
  }
  Rx.page(/^\/dashboard$/, function () {
    var banner = h("p", { class: "hint", role: "status", hidden: true }), list = h("div"), body = null, count = 0, more = false, busy = false;
    var filter = pick(["Initiated", "Follow Up", "Submitted", "Approved", "Denied", "Cancelled", "N/A"], "All");
    function down(v) { banner.textContent = v.banner || ""; banner.hidden = !v.banner; return v.banner; }
    function load(fresh) {
      if (busy) return;
      busy = true; if (fresh) { count = 0; body = null; }
      call("GET", "/api/requests?" + new URLSearchParams({ status: filter.value, after: count })).then(function (v) {
        down(v);
        if (!body) { var made = sheet("Latest changes", HEADS, []); body = made.querySelector("tbody"); list.replaceChildren(made); }
        v.rows.forEach(function (r) { body.append(row(r)); });
        count += v.rows.length; more = v.more; busy = false; scrolled();
      }).catch(function () { busy = false; });
    }
    function scrolled() { if (more && list.isConnected && innerHeight + scrollY > document.documentElement.scrollHeight - 200) load(false); }
    function search() {
      var number = text(), drug = text(), born = date(), last = text(), box = problem(), found = h("div", { "aria-live": "polite" });
      return [h("form", { onsubmit: function (e) {
        e.preventDefault(); tell(box); found.replaceChildren();
        call("GET", "/api/search?" + new URLSearchParams({ lastName: last.value, dob: us(born.value), drug: drug.value, number: number.value })).then(function (v) {
          if (!down(v)) found.replaceChildren(v.rows.length ? sheet("Search results", HEADS, v.rows.map(row)) : h("p", {}, "No request matches."));
        }, function (x) { tell(box, x); });
      } }, [box, line("Request key or authorization", number), line("Drug", drug), line("Born on", born), line("Family name", last), h("button", { class: "b main" }, "Search")]), found];
    }
    filter.onchange = function () { load(true); };
    window.addEventListener("scroll", scrolled);
    frame("/dashboard", [h("h1", {}, "My desk"), banner].concat(tabs(["Latest", "Search"], function (at) { return at ? search() : [line("Show", filter), list]; })));
    load(true);
    return function () { window.removeEventListener("scroll", scrolled); };
  });

  function ahead(look) {
    var box = text({ role: "combobox", "aria-expanded": "false" }), list = h("div", { role: "listbox", class: "ahead", hidden: true }), hint = h("em", { class: "bad", hidden: true }, "Select a drug from the list.");
    var chosen = "", timer, turn = 0;
    function close() { list.hidden = true; box.setAttribute("aria-expanded", "false"); }
    box.addEventListener("input", function () {
      var mine = turn += 1; chosen = ""; clearTimeout(timer);
      if (box.value.trim().length < 3) { close(); return; }
      timer = setTimeout(function () {
        look(box.value).then(function (options) {
          if (mine !== turn) return;
          list.replaceChildren.apply(list, options.length ? options.map(function (o) {
            return h("div", { role: "option", onmousedown: function (e) { e.preventDefault(); chosen = o.code; box.value = o.words; hint.hidden = true; close(); } }, o.words);
          }) : [h("div", {}, "No matches")]);
          list.hidden = false; box.setAttribute("aria-expanded", "true");
        }).catch(function () {});
      }, 300);
    });
    box.addEventListener("blur", function () { close(); if (!chosen && box.value) { box.value = ""; hint.hidden = false; } });
    return { box: box, list: h("div", { class: "under" }, [list, hint]), code: function () { return chosen; } };
  }
  // Steps of a wizard: one is shown, the others keep what was typed.
  function wizard(steps, last) {
    var at = 0, title = h("p", { class: "hint" }), body = h("div", { class: "step" });
    var back = act("Back", function () { show(at - 1); }), next = act("Next", function () { show(at + 1); }, "main");
    function show(to) {
      at = to;
      title.textContent = "Step " + (at + 1) + " of " + steps.length + ": " + steps[at][0];
      body.replaceChildren.apply(body, steps[at][1].filter(Boolean));
      back.disabled = at === 0; next.hidden = at === steps.length - 1;
      last.forEach(function (b) { b.hidden = at !== steps.length - 1; });
    }
    show(0);
    return { parts: [title, body, h("div", { class: "bar" }, [back, next].concat(last))], next: next, show: show };
  }
  Rx.page(/^\/new$/, function () {
    var member = text(), found = h("div", { "aria-live": "polite" }), last = text(), first = text(), born = date(), sex = "", zip = text(), sexes = h("div");
    function sexed(value) { sex = value; sexes.replaceChildren(choices("Sex", [["Female", "Female"], ["Male", "Male"]], value, function (v) { sex = v; })); }
    sexed("");
    var bin = text(), pcn = text(), group = text(), plan = h("p", { class: "hint", role: "status" }), phone = text(), npi = "", npis = h("div"), box = problem();
    var drug = ahead(function (q) { return call("GET", "/api/drugs?q=" + encodeURIComponent(q)).then(function (v) { return v.drugs; }); });
    function named() {
      if (bin.value && pcn.value && group.value) call("GET", "/api/plans?" + new URLSearchParams({ bin: bin.value, pcn: pcn.value, group: group.value })).then(function (v) { plan.textContent = "Plan: " + v.name; }, function (x) { plan.textContent = x.message; });
    }
    [bin, pcn, group].forEach(function (el) { el.onchange = named; });
    call("GET", "/api/prescribers").then(function (v) {
      npis.replaceChildren(choices("Who prescribes?", v.prescribers.map(function (p) { return [p.npi, p.words]; }), "", function (x) { npi = x; }));
    }).catch(function () {});
    function find() {
      call("GET", "/api/patients?q=" + encodeURIComponent(member.value)).then(function (v) {
        found.replaceChildren(v.patients.length ? sheet("Charts found", ["Name", "Born", "Member ID", "ZIP", ""], v.patients.map(function (p) {
          return h("tr", {}, [p.last + ", " + p.first, p.dob, p.memberId, p.zip, act("Take", function () {
            last.value = p.last; first.value = p.first; born.value = iso(p.dob); zip.value = p.zip; sexed(p.sex);
            found.replaceChildren(h("p", { class: "hint" }, "Taken from the chart of " + p.memberId + "."));
          })].map(function (c) { return h("td", {}, c); }));
        })) : h("p", {}, "No chart has this member ID."));
      }).catch(function () {});
    }
    function begin(anyway) {
      tell(box);
      call("POST", "/api/requests", { drug: drug.code(), bin: bin.value, pcn: pcn.value, group: group.value, lastName: last.value, firstName: first.value,
        dob: us(born.value), sex: sex, zip: zip.value, npi: npi, anyway: anyway }).then(function (v) { Rx.go("/request/" + v.key); }, function (x) {
        if (!x.body || !x.body.exists) { tell(box, x); return; }
        var veil = modal("Asked for before", [h("p", {}, x.body.message), h("p", {}, x.body.state), h("div", { class: "bar" }, [
          act("Open it", function () { veil.remove(); Rx.go("/request/" + x.body.exists); }, "main"), act("Begin another", function () { veil.remove(); begin(true); }), act("Back", function () { veil.remove(); })])]);
      });
    }
    var w = wizard([
      ["Patient", [line("Member number", member), act("Look in the charts", find), found, line("Family name", last), line("Given name", first), line("Born on", born), h("div", { class: "q-line" }, ["Sex", sexes]), line("Postal code", zip)]],
      ["Plan", [line("Group", group), line("PCN", pcn), line("BIN", bin), plan]],
      ["Drug and prescriber", [h("div", { class: "q-line" }, ["Who prescribes?", npis]), line("Which drug?", drug.box), drug.list, line("Clinic phone (optional)", phone)]]
    ], [act(words.begin, function () { begin(false); }, "main")]);
    frame("/new", [h("h1", {}, "Begin a request"), box].concat(w.parts));
  });

  window.Desk = { words: words, line: line, text: text, date: date, iso: iso, us: us, act: act, pick: pick, choices: choices, problem: problem, tell: tell, sheet: sheet,
    frame: frame, tabs: tabs, wizard: wizard, ring: ring, id: id };
})();
