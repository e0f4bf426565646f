// What can be read: home, my requests, one request with its changes and the talk with a reviewer, letters, benefits,
// payer claims.
(function () {
  "use strict";
  var C = window.Core, K = window.Kit, h = C.h;

  function home() {
    App.view("home").then(function (view) {
      App.draw([K.heading("Welcome"),
        h("div", { class: "tilesnav" }, [
          ["/app/precheck", "Pre-check", "Does a service need prior authorization?"],
          ["/app/request", "New request", "Ask for prior authorization"],
          ["/app/requests", "My requests", "Follow what was asked for"],
          ["/app/library", "Document Library", "Letters about decisions"],
          ["/app/eligibility", "Eligibility", "Coverage and benefits"],
          ["/app/claims", "Claims", "Where a claim stands"]
        ].map(function (tile) { return h("a", { class: "way", href: tile[0], onclick: App.follow }, [h("strong", {}, tile[1]), h("span", {}, tile[2])]); }))], view);
    }).catch(App.broken);
  }

  var LIST = [["number", "Request number"], ["member", "Member"], ["codes", "Codes"], ["npi", "Provider NPI"], ["from", "Service from"], ["to", "Service to"],
    ["received", "Received"], ["status", "Status"]];
  function list() {
    var box = C.input("", { placeholder: "Any number, or a name" }), found = h("div", { "aria-live": "polite" }), alert = C.alertBox(), page = 0;
    function link(row) { return h("a", { href: "/app/requests/" + row.number, onclick: App.follow }, row.number); }
    function read(first) {
      alert.say("");
      C.call("GET", "/api/requests?" + C.query({ q: box.value, page: page })).then(function (answer) {
        var rows = (answer.rows || []).map(function (row) { return Object.assign({}, row, { number: link(row) }); });
        var more = answer.more ? K.button("Next page", function () { page += 1; read(false); }) : null;
        var before = page > 0 ? K.button("Previous page", function () { page -= 1; read(false); }) : null;
        found.replaceChildren.apply(found, [
          answer.banner ? h("div", { class: "banner", role: "status" }, answer.banner) : null,
          answer.message ? h("p", { class: "none" }, answer.message) : null,
          rows.length ? K.table("Requests", LIST, rows) : null, h("div", { class: "row" }, [before, more])].filter(Boolean));
        if (first) App.draw(parts, answer); else App.extras(answer);
      }).catch(function (error) { if (first) App.broken(error); else alert.tell(error); });
    }
    var parts = [K.heading("My requests"),
      h("form", { class: "search", role: "search", onsubmit: function (e) { e.preventDefault(); page = 0; read(false); } },
        [K.field("Request number, member ID or name", box), K.button("Search", null, { type: "submit" })]), alert, found];
    read(true);
  }

  function result(number, state) {
    var again = sessionStorage.getItem("lf.last");
    if (state.seen && again) { C.call("POST", "/api/requests", JSON.parse(again)).catch(function () {}); }
    C.call("GET", "/api/requests/" + encodeURIComponent(number) + "?result=1").then(function (r) {
      history.replaceState({ result: true, seen: true }, "", location.pathname);
      App.draw([K.heading("Request received"), h("section", { class: "card", "aria-label": "Result" }, [
        K.facts([["Request number", r.number], ["Status", r.status], ["Authorization number", r.authorization], ["Pend number", r.pend],
          ["Member", r.member], ["Received", r.received]]),
        h("p", {}, "You can open this request again from My requests.")]),
        h("div", { class: "row" }, [K.button("New request", function () { App.go("/app/request"); }), K.button("My requests", function () { App.go("/app/requests"); })])], r);
      if (state.toast) App.toast(state.toast);
    }).catch(App.broken);
  }

  var LINES = [["line", "Line"], ["code", "Code"], ["units", "Units requested"], ["approved", "Units approved"], ["from", "Service from"], ["to", "Service to"], ["status", "Status"]];
  function detail(number) {
    C.call("GET", "/api/requests/" + encodeURIComponent(number)).then(function (r) {
      var alert = C.alertBox();
      var lines = r.lines.map(function (line, i) { return Object.assign({}, line, { line: String(i + 1), units: String(line.units) }); });
      App.draw([K.heading("Request " + r.number), alert,
        K.facts([["Request number", r.number], ["Status", r.status], ["Authorization number", r.authorization], ["Pend number", r.pend],
          ["Valid from", r.validFrom], ["Valid to", r.validTo], ["Peer-to-peer", r.peerToPeer ? "Available until " + r.peerToPeer : ""],
          ["Member", r.member], ["Member ID", r.memberId], ["Requesting provider", r.requesting], ["TIN", r.tin], ["Servicing provider", r.servicing],
          ["Place of service", r.place], ["Diagnoses", r.diagnoses], ["Urgency", r.urgency], ["Your reference", r.reference], ["Received", r.received],
          ["Documents", r.documents.join(", ")]]),
        r.wanted.length ? h("div", { class: "banner" }, "We need more information: " + r.wanted.join("; ")) : null,
        K.table("Service lines", LINES, lines),
        r.wanted.length ? documents(r, alert) : null,
        r.peerToPeer ? h("p", {}, h("a", { href: "/app/p2p/" + r.number, onclick: App.follow }, "Book a peer-to-peer")) : null,
        r.editable ? edit(r, alert) : h("p", { class: "small" }, "Call us to change this request.")], r);
    }).catch(App.broken);
  }
  function documents(r, alert) {
    var tile = K.upload([], function (file, box, done) {
      alert.say("");
      C.call("POST", "/api/requests/" + r.number + "/documents?" + C.query({ name: file.name }), undefined, file)
        .then(function (answer) { done(box); alert.say(answer.message + " Receipt " + answer.receipt); })
        .catch(function (error) { box.remove(); alert.tell(error); });
    });
    return h("section", { class: "card", "aria-label": "Add a document" }, [h("h2", {}, "Send what we asked for"), tile]);
  }
  function edit(r, alert) {
    var section = h("section", { class: "card", "aria-label": "Edit" });
    var boxes = r.lines.map(function (line) { return C.input(String(line.units), { inputmode: "numeric" }); });
    var reference = C.input(r.reference, { maxlength: "30" });
    function save() {
      var body = { units: boxes.map(function (box) { return Number(box.value); }), reference: reference.value };
      C.call("POST", "/api/requests/" + r.number + "/edit", body).then(function (answer) { detail(r.number); App.toast(answer.message); }).catch(alert.tell);
    }
    section.append(K.button("Edit request", function () {
      section.replaceChildren.apply(section, [h("h2", {}, "Edit")].concat(
        r.lines.map(function (line, i) { return K.field("Units of " + line.code, boxes[i]); }),
        [K.field("Your reference", reference), h("div", { class: "row" }, K.button("Send changes", save, { class: "primary" }))]));
    }));
    return section;
  }

  function peer(number) {
    App.view("p2p_form").then(function (view) {
      var alert = C.alertBox(), physician = C.input(), phone = C.input(), slot = K.choice("Time", ["Tomorrow, 9 AM to 12 PM CT", "Tomorrow, 1 PM to 5 PM CT", "In two days, 9 AM to 12 PM CT"]);
      App.draw([K.heading("Book a peer-to-peer"), h("p", {}, "Request " + number), h("section", { class: "card", "aria-label": "Peer-to-peer" }, [
        K.field("Physician", physician), K.field("Phone", phone), slot.el, alert,
        h("div", { class: "row" }, K.button("Book", function () {
          alert.say("");
          C.call("POST", "/api/p2p/" + number, { physician: physician.value, phone: phone.value, slot: slot.value })
            .then(function (answer) { alert.say(answer.message); }).catch(alert.tell);
        }, { class: "primary" }))])], view);
    }).catch(App.broken);
  }

  function asks(view, title, lead, fields, verb, read) {
    App.view(view).then(function (extras) {
      var alert = C.alertBox(), found = h("div", { "aria-live": "polite" });
      App.draw([K.heading(title), lead, h("form", {
        class: "card", role: "search", onsubmit: function (e) {
          e.preventDefault();
          alert.say("");
          found.replaceChildren();
          read().then(function (shown) { found.replaceChildren.apply(found, shown.parts.filter(Boolean)); App.extras(shown.answer); }).catch(alert.tell);
        }
      }, [h("div", { class: "grid" }, fields), K.button(verb, null, { type: "submit" })]), alert, found], extras);
    }).catch(App.broken);
  }

  function library() {
    var box = C.input("", { placeholder: "Any number, or a name" });
    asks("library_form", "Document Library", h("p", {}, ["Folder: ", h("b", {}, "Prior Auth Letters")]), [K.field("Member name, ID or number", box)], "Search letters", function () {
      return C.call("GET", "/api/letters?" + C.query({ q: box.value })).then(function (answer) {
        var rows = answer.rows.map(function (row) {
          return Object.assign({}, row, { open: h("a", { href: "/documents/" + row.letter + ".pdf", target: "_blank" }, "Open letter") });
        });
        return { answer: answer, parts: [answer.message ? h("p", { class: "none" }, answer.message) : null,
          rows.length ? K.table("Prior Auth Letters", [["letter", "Letter number"], ["request", "Request number"], ["member", "Member"], ["date", "Date"], ["open", "Document"]], rows) : null] };
      });
    });
  }

  function eligibility() {
    var member = C.input(), dob = C.input("", { placeholder: "MM/DD/YYYY" }), date = C.input(C.usDate(C.settings.today), { placeholder: "MM/DD/YYYY" });
    var service = C.input("", { maxlength: "5" });
    asks("eligibility_form", "Eligibility", null, [K.field("Member ID", member), K.field("Date of birth", dob), K.field("As of", date), K.field("Procedure code (optional)", service)], "Check eligibility", function () {
      return C.call("GET", "/api/eligibility?" + C.query({ id: member.value, dob: dob.value, date: date.value, service: service.value })).then(function (r) {
        if (r.message) return { answer: r, parts: [h("p", { class: "none" }, r.message)] };
        return { answer: r, parts: [
          K.facts([["Coverage", r.status], ["Plan", r.plan], ["Name", r.name], ["Member number", r.memberId], ["Subscriber", r.subscriber], ["Service", r.service], ["Answer as of", r.asOf]]),
          r.note ? h("div", { class: "banner" }, r.note) : null,
          r.benefits.length ? K.table("Benefits", [["name", "Benefit"], ["in", "In network"], ["out", "Out of network"]], r.benefits) : null] };
      });
    });
  }

  function claims() {
    var claim = C.input(), member = C.input(), date = C.input("", { placeholder: "MM/DD/YYYY" });
    asks("claims_form", "Claims", null, [K.field("Claim number", claim), K.field("Member ID", member), K.field("Date of service", date)], "Search claims", function () {
      return C.call("GET", "/api/claims?" + C.query({ claim: claim.value, id: member.value, date: date.value })).then(function (answer) {
        return { answer: answer, parts: [
          answer.banner ? h("div", { class: "banner", role: "status" }, answer.banner) : null,
          answer.message ? h("p", { class: "none" }, answer.message) : null,
          answer.rows.length ? K.table("Claims", [["claim", "Claim number"], ["member", "Member"], ["date", "Date of service"], ["received", "Received"], ["billed", "Billed"],
            ["paid", "Paid"], ["patient", "Member owes"], ["status", "Status"], ["reason", "Reason"]], answer.rows) : null] };
      });
    });
  }

  window.Records = { home: home, list: list, result: result, detail: detail, peer: peer, library: library, eligibility: eligibility, claims: claims };
})();
