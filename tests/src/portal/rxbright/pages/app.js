// Pages of the application as first built: the way in, the dashboard, a new request; one request is in the second half.
(function () {
  "use strict";
  var Rx = window.Rx, h = Rx.h, call = Rx.call, ordinal = 0;
  var root = document.getElementById("root"), shelf = h("div", { class: "toasts" });
  var main, words = Rx.settings.relabelled
    ? { send: "Submit to plan", start: "Begin request", sign: "Apply signature" }
    : { send: "Send to plan", start: "Start request", sign: "Sign" };

  function field(label, control, hint) {
    ordinal += 1;
    control.id = "c" + ordinal;
    return h("div", { class: "field" }, [h("label", { for: control.id }, label), control, hint && h("small", {}, hint)]);
  }
  // Words beside a control, not connected to it.
  function beside(label, control) { return h("div", { class: "field" }, [h("span", { class: "words" }, label), control]); }
  function input(more) { return h("input", Object.assign({ type: "text", autocomplete: "off" }, more || {})); }
  function dateInput(more) { return input(Object.assign({ placeholder: "MM/DD/YYYY", inputmode: "numeric", maxlength: "10" }, more || {})); }
  function select(options, empty) {
    return h("select", {}, [h("option", { value: "" }, empty)].concat(options.map(function (o) {
      return h("option", { value: Array.isArray(o) ? o[0] : o }, Array.isArray(o) ? o[1] : o);
    })));
  }
  function button(label, act, kind) { return h("button", { type: "button", class: kind || "", onclick: act }, label); }
  function alertBox() { return h("div", { class: "alert", role: "alert", hidden: true }); }
  function complain(box, error) {
    if (error && Rx.silent(error)) return;
    box.textContent = error ? error.message : "";
    box.hidden = !error;
  }
  function form(children, act) {
    return h("form", { autocomplete: "off", onsubmit: function (e) { e.preventDefault(); act(); } }, children);
  }
  function table(caption, heads, rows) {
    return h("table", {}, [
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, heads.map(function (head) { return h("th", { scope: "col" }, head); }))),
      h("tbody", {}, rows)
    ]);
  }
  function facts(pairs) {
    return h("dl", { class: "facts" }, [].concat.apply([], pairs.filter(function (p) { return p[1]; }).map(function (p) {
      return [h("dt", {}, p[0]), h("dd", { title: p[0] }, p[1])];
    })));
  }
  function toast(text) {
    var box = h("div", { class: "toast", role: "status" }, text);
    shelf.append(box);
    setTimeout(function () { box.remove(); }, Rx.settings.toastMs);
  }
  function dialog(title, children) {
    var shade = h("div", { class: "shade" }, h("div", { class: "dialog", role: "dialog", "aria-modal": "true", "aria-label": title },
      [h("h2", {}, title)].concat(children)));
    document.body.append(shade);
    return shade;
  }
  function overlay(what) {
    if (!what) return;
    function close() { call("POST", "/api/closed", { kind: what.kind }).catch(function () {}); box.remove(); }
    var buttons = [what.kind === "passkey" && button("Set up a passkey", close), button(what.button, close, "plain")];
    var box = what.kind === "survey"
      ? h("div", { class: "survey", role: "complementary", "aria-label": what.title }, [h("h2", {}, what.title), h("p", {}, what.text), h("div", { class: "row" }, buttons)])
      : dialog(what.title, [h("p", {}, what.text), h("div", { class: "row" }, buttons)]);
    if (!box.isConnected) document.body.append(box);
  }

  function gate(title, children) {
    document.querySelectorAll(".shade, .survey").forEach(function (el) { el.remove(); });
    root.replaceChildren(h("main", { class: "gate" }, [
      h("div", { class: "brand" }, [h("span", { class: "sun" }), "Rx", h("b", {}, "Bright"), h("small", {}, "ePA")]),
      h("section", { class: "card" }, [h("h1", {}, title)].concat(children))
    ]), shelf);
  }
  function desk(tab, children) {
    document.querySelectorAll(".shade, .survey").forEach(function (el) { el.remove(); });
    main = h("main", { class: "desk" }, children);
    var who = h("span", { class: "who" });
    root.replaceChildren(h("header", { class: "top" }, [
      h("div", { class: "brand" }, [h("span", { class: "sun" }), "Rx", h("b", {}, "Bright"), h("small", {}, "ePA")]),
      h("nav", { "aria-label": "Main" }, [
        Rx.link("/dashboard", "Dashboard", { class: tab === "dashboard" ? "on" : null }),
        Rx.link("/new", "New request", { class: tab === "new" ? "on" : null })
      ]),
      who, button("Sign out", function () { call("POST", "/api/logout").catch(function () {}).then(function () { Rx.go("/account"); }); }, "plain")
    ]), main, h("footer", {}, "RxBright ePA carries drug requests between prescribers and plans."), shelf);
    call("GET", "/api/me").then(function (me) {
      who.textContent = me.only ? "Opened by key" : "Signed in as " + me.user;
      overlay(me.overlay); Rx.files(me.files);
    }).catch(function () {});
    window.scrollTo(0, 0);
  }

  Rx.page(/^\/enter$/, function () {
    var key = input({ name: "key" }), last = input({ name: "last" }), dob = dateInput({ name: "dob" }), box = alertBox();
    gate("Open a request by key", [
      h("p", {}, "You need the key of the request, and the patient's last name and date of birth."), box,
      form([field("Key", key), field("Last name", last), field("Date of birth", dob), h("button", { class: "primary" }, "Open request")], function () {
        complain(box);
        call("POST", "/api/enter", { key: key.value, lastName: last.value, dob: dob.value })
          .then(function (value) { Rx.enter("/request/" + value.key, value); }, function (error) { complain(box, error); });
      }),
      h("p", { class: "small" }, Rx.link("/account", "Sign in with an account instead"))
    ]);
  });

  Rx.page(/^\/account$/, function () {
    var email = input({ type: "email", name: "email" }), pasted = input({ name: "link" }), box = alertBox();
    var note = h("p", { class: "note", role: "status", hidden: true });
    var second = form([field("Link from the mail", pasted, "Opening the link in this browser does the same."),
      h("button", { class: "primary" }, "Continue")], function () { arrive(pasted.value, box); });
    second.hidden = true;
    gate("Sign in", [box,
      form([field("E-mail address", email), h("button", { class: "primary" }, "E-mail me a link")], function () {
        complain(box);
        call("POST", "/api/account", { email: email.value }).then(function (value) {
          note.textContent = value.message; note.hidden = false; second.hidden = false; pasted.value = ""; pasted.focus();
        }, function (error) { complain(box, error); });
      }), note, second,
      h("p", { class: "small" }, Rx.link("/enter", "Open a single request by key"))
    ]);
    if (location.search.indexOf("out") >= 0) complain(box, { message: "You have been signed out." });
  });
  function arrive(id, box) {
    complain(box);
    call("POST", "/api/link", { link: id }).then(function (value) {
      if (!value.terms) { Rx.enter("/dashboard", value); return; }
      var tick = h("input", { type: "checkbox" });
      gate("Our terms have changed", [h("p", { class: "terms" }, value.terms),
        h("label", { class: "tick" }, [tick, " I have read and accept the terms"]),
        button("Accept and continue", function () {
          if (tick.checked) call("POST", "/api/terms").then(function () { Rx.enter("/dashboard", value); }).catch(function () {});
        }, "primary")]);
    }, function (error) { complain(box, error); });
  }
  Rx.page(/^\/link\/([^/]+)$/, function (id) {
    var box = alertBox();
    gate("Signing you in", [box, h("p", { class: "small" }, Rx.link("/account", "Ask for a new link"))]);
    arrive(id, box);
  });

  var HEADS = ["Key", "Patient", "Member ID", "Drug", "Start", "Sent", "Status", "Last activity"];
  function row(r) {
    var cells = [Rx.link("/request/" + r.key, r.key), r.patient, r.memberId, r.drug, r.start || "-", r.sent || "Not sent",
      h("span", { class: "chip " + r.status.replace(/\W/g, "").toLowerCase() }, r.status), r.changed];
    return h("tr", {}, cells.map(function (cell) { return h("td", {}, cell); }));
  }
  Rx.page(/^\/dashboard$/, function () {
    var last = input({ name: "findLast" }), dob = dateInput({ name: "findDob" }), drug = input({ name: "findDrug" }), number = input({ name: "findNumber" });
    var found = h("div", { class: "found", "aria-live": "polite" }), box = alertBox(), banner = h("div", { class: "banner", role: "status", hidden: true });
    var filter = select(["Initiated", "Follow Up", "Submitted", "Approved", "Denied", "Cancelled", "N/A"], "Any status");
    var list = h("div", {}), body = null, count = 0, more = false, busy = false;
    function down(value) { banner.textContent = value.banner || ""; banner.hidden = !value.banner; return value.banner; }
    desk("dashboard", [h("h1", {}, "Requests"), banner,
      h("section", { class: "card", "aria-label": "Find a request" }, [h("h2", {}, "Find a request"), box,
        form([h("div", { class: "grid" }, [field("Patient last name", last), field("Patient date of birth", dob), field("Drug code", drug),
          field("Key or authorization", number)]), h("button", { class: "primary" }, "Find")], function () {
          complain(box); found.replaceChildren(h("p", { class: "quiet" }, "Looking…"));
          var query = new URLSearchParams({ lastName: last.value, dob: dob.value, drug: drug.value, number: number.value });
          call("GET", "/api/search?" + query).then(function (value) {
            if (down(value)) { found.replaceChildren(); return; }
            found.replaceChildren(value.rows.length ? table("Requests found", HEADS, value.rows.map(row)) : h("p", {}, "No request matches."));
          }, function (error) { found.replaceChildren(); complain(box, error); });
        }), found]),
      h("section", { class: "card", "aria-label": "Recent activity" }, [h("div", { class: "row" }, [h("h2", {}, "Recent activity"), field("Status", filter)]), list])
    ]);
    function load(fresh) {
      if (busy) return;
      busy = true;
      if (fresh) { count = 0; body = null; }
      call("GET", "/api/requests?" + new URLSearchParams({ status: filter.value, after: count })).then(function (value) {
        down(value);
        if (!body) {
          var made = table("All requests", HEADS, []);
          body = made.querySelector("tbody");
          list.replaceChildren(value.rows.length || value.banner ? made : h("p", { class: "quiet" }, "Nothing here yet."));
        }
        value.rows.forEach(function (r) { body.append(row(r)); });
        count += value.rows.length; more = value.more; busy = false;
        scrolled();
      }).catch(function () { busy = false; });
    }
    function scrolled() { if (more && innerHeight + scrollY > document.documentElement.scrollHeight - 200) load(false); }
    filter.onchange = function () { load(true); };
    window.addEventListener("scroll", scrolled);
    load(true);
    return function () { window.removeEventListener("scroll", scrolled); };
  });

  function typeahead(name, look) {
    var box = input({ name: name, role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list" });
    var list = h("ul", { role: "listbox", class: "options", hidden: true }), hint = h("small", { class: "wrong", hidden: true }, "Select a drug from the list.");
    var chosen = "", timer = null, ask = 0;
    function close() { list.hidden = true; box.setAttribute("aria-expanded", "false"); }
    box.addEventListener("input", function () {
      chosen = ""; clearTimeout(timer); ask += 1;
      var mine = ask;
      if (box.value.trim().length < 3) { close(); return; }
      timer = setTimeout(function () {
        look(box.value).then(function (options) {
          if (mine !== ask) return;
          list.replaceChildren.apply(list, options.length ? options.map(function (o) {
            return h("li", { role: "option", "aria-selected": "false", onmousedown: function (e) {
              e.preventDefault(); chosen = o.code; box.value = o.words; hint.hidden = true; close();
            } }, o.words);
          }) : [h("li", { class: "quiet" }, "No matches")]);
          list.hidden = false; box.setAttribute("aria-expanded", "true");
        }).catch(function () {});
      }, 300);
    });
    box.addEventListener("blur", function () { close(); if (!chosen && box.value) { box.value = ""; hint.hidden = false; } });
    return { box: box, list: h("div", { class: "under" }, [list, hint]), code: function () { return chosen; } };
  }

  Rx.page(/^\/new$/, function () {
    var drug = typeahead("drug", function (q) {
      return call("GET", "/api/drugs?q=" + encodeURIComponent(q)).then(function (value) { return value.drugs; });
    });
    var bin = input({ name: "bin" }), pcn = input({ name: "pcn" }), group = input({ name: "group" }), plan = h("p", { class: "quiet", role: "status" }, "");
    var member = input({ name: "member" }), found = h("div", { "aria-live": "polite" });
    var last = input({ name: "last" }), first = input({ name: "first" }), dob = dateInput({ name: "dob" }), sex = select(["Female", "Male"], ""), zip = input({ name: "zip" });
    var npi = select([], "Select a prescriber"), box = alertBox();
    function named() {
      if (!bin.value || !pcn.value || !group.value) { plan.textContent = ""; return; }
      call("GET", "/api/plans?" + new URLSearchParams({ bin: bin.value, pcn: pcn.value, group: group.value }))
        .then(function (value) { plan.textContent = "Plan: " + value.name; }, function (error) { plan.textContent = error.message; });
    }
    [bin, pcn, group].forEach(function (el) { el.onchange = named; });
    call("GET", "/api/prescribers").then(function (value) {
      value.prescribers.forEach(function (p) { npi.append(h("option", { value: p.npi }, p.words)); });
    }).catch(function () {});
    function take(p) {
      last.value = p.last; first.value = p.first; dob.value = p.dob; sex.value = p.sex; zip.value = p.zip;
      found.replaceChildren(h("p", { class: "note" }, "Taken from the chart of " + p.memberId + "."));
    }
    function find() {
      found.replaceChildren(h("p", { class: "quiet" }, "Looking…"));
      call("GET", "/api/patients?q=" + encodeURIComponent(member.value)).then(function (value) {
        found.replaceChildren(value.patients.length ? table("Charts", ["Member ID", "Last name", "First name", "Date of birth", "Sex", "ZIP", ""], value.patients.map(function (p) {
          return h("tr", {}, [p.memberId, p.last, p.first, p.dob, p.sex, p.zip, button("Select", function () { take(p); }, "plain")].map(function (c) { return h("td", {}, c); }));
        })) : h("p", {}, "No chart has this member ID."));
      }).catch(function () { found.replaceChildren(); });
    }
    function start(anyway) {
      complain(box);
      call("POST", "/api/requests", { drug: drug.code(), bin: bin.value, pcn: pcn.value, group: group.value, lastName: last.value, firstName: first.value,
        dob: dob.value, sex: sex.value, zip: zip.value, npi: npi.value, anyway: anyway }).then(function (value) { Rx.go("/request/" + value.key); }, function (error) {
        if (!error.body || !error.body.exists) { complain(box, error); return; }
        var shade = dialog("This drug was asked for before", [h("p", {}, error.body.message), h("p", {}, error.body.state), h("div", { class: "row" }, [
          button("Open", function () { shade.remove(); Rx.go("/request/" + error.body.exists); }, "primary"),
          button("Start new", function () { shade.remove(); start(true); }), button("Back", function () { shade.remove(); }, "plain")])]);
      });
    }
    desk("new", [h("h1", {}, "New request"), box, form([
      h("fieldset", {}, [h("legend", {}, "Drug"), field("Drug", drug.box), drug.list]),
      h("fieldset", {}, [h("legend", {}, "Plan"), h("div", { class: "grid" }, [field("BIN", bin), field("PCN", pcn), beside("Group", group)]), plan]),
      h("fieldset", {}, [h("legend", {}, "Patient"), h("div", { class: "grid" }, [field("Member ID", member), h("div", { class: "field end" }, button("Find chart", find))]), found,
        h("div", { class: "grid" }, [field("Last name", last), field("First name", first), field("Date of birth", dob), field("Sex", sex), beside("ZIP code", zip)])]),
      h("fieldset", {}, [h("legend", {}, "Prescriber"), field("Prescriber", npi)]),
      h("div", { class: "row" }, h("button", { class: "primary" }, words.start))
    ], function () { start(false); })]);
  });

  window.App = {
    words: words, field: field, beside: beside, input: input, dateInput: dateInput, select: select, button: button, alertBox: alertBox,
    complain: complain, form: form, table: table, facts: facts, toast: toast, dialog: dialog, desk: desk
  };
})();
