// What can be looked up: dashboard, search, one request, claim status, eligibility.
(function () {
  "use strict";
  var A = window.App, h = A.h;

  function link(row) { return h("a", { href: "#/auth/" + encodeURIComponent(row.number) }, row.number); }

  // A long list: rows of 40 px, of which only those near the window are in the page.
  function virtual(rows) {
    var space = h("div", { class: "space" });
    var box = h("div", { class: "virtual", role: "table", "aria-label": "Requests" }, space);
    space.style.height = rows.length * 40 + "px";
    function cells(row) {
      return [link(row), row.reference, row.patient, row.codes, row.from, row.status].map(function (cell) {
        return h("span", { role: "cell" }, cell);
      });
    }
    function draw() {
      var start = Math.max(0, Math.floor(box.scrollTop / 40) - 4);
      space.replaceChildren.apply(space, rows.slice(start, start + 20).map(function (row, i) {
        var el = h("div", { class: "vrow", role: "row" }, cells(row));
        el.style.top = (start + i) * 40 + "px";
        return el;
      }));
    }
    box.addEventListener("scroll", draw);
    draw();
    var heads = ["Number", "Provider reference", "Patient", "Procedure", "From", "Status"];
    return [h("div", { class: "vrow vhead" }, heads.map(function (head) { return h("span", {}, head); })), box];
  }

  function dashboard() {
    A.draw("#/auth/dashboard", [A.skeleton(4)]);
    A.call("GET", "/api/dashboard").then(function (data) {
      var number = A.input("", { placeholder: "Number" });
      var found = h("div", { "aria-live": "polite" });
      function look(pin) {
        A.call("POST", "/api/pins", { number: number.value, pin: pin }).then(function (answer) {
          if (pin) { dashboard(); return; }
          found.replaceChildren(answer.rows.length
            ? A.table(["Number", "Patient", "Status", ""], answer.rows.map(function (row) {
              return [link(row), row.patient, row.status, h("button", { type: "button", onclick: function () { look(true); } }, "Pin")];
            })) : h("p", {}, answer.message));
        }).catch(A.broken);
      }
      var form = h("form", { class: "row", onsubmit: function (event) { event.preventDefault(); look(false); } },
        [A.field("Find by reference number", number), h("button", { type: "submit" }, "Find")]);
      var list = data.rows.length ? virtual(data.rows) : [h("p", {}, "No requests.")];
      A.draw("#/auth/dashboard", [h("h2", {}, "My requests"), A.banner(data.banner), form, found].concat(list));
      A.overlay(data.overlay);
    }).catch(A.broken);
  }

  // A form of labelled fields that asks the server and shows rows or the server's words.
  function searchPage(options) {
    var inputs = options.fields.map(function (f) { return A.input("", f[2] ? { placeholder: f[2] } : {}); });
    var results = h("div", { "aria-live": "polite" });
    var form = h("form", { onsubmit: function (event) {
      event.preventDefault();
      var query = options.fields.map(function (f, i) { return f[0] + "=" + encodeURIComponent(inputs[i].value.trim()); }).join("&");
      results.replaceChildren(A.skeleton(3));
      A.call("GET", options.path + "?" + query).then(function (data) {
        results.replaceChildren.apply(results, [A.banner(data.banner)].concat(options.show(data)).filter(Boolean));
        A.overlay(data.overlay);
      }).catch(function (error) {
        if (error.kind === "refused") results.replaceChildren(h("div", { class: "alert", role: "alert" }, error.message));
        else A.broken(error);
      });
    } }, options.fields.map(function (f, i) { return A.field(f[1], inputs[i]); }).concat([h("div", { class: "row" }, h("button", { type: "submit", class: "primary" }, "Search"))]));
    A.draw(options.tab, [h("h2", {}, options.title), form, results]);
  }

  function search() {
    searchPage({
      tab: "#/auth/search", title: "Search requests", path: "/api/service-reviews",
      fields: [["memberId", "Member ID"], ["from", "Service from", "MM/DD/YYYY"], ["to", "Service to", "MM/DD/YYYY"]],
      show: function (data) {
        if (!data.rows.length) return [data.message ? h("p", { class: "empty" }, data.message) : null];
        return [h("h3", {}, data.rows.length === 1 ? "1 request" : data.rows.length + " requests"),
          A.table(["Number", "Provider reference", "Patient", "Procedure", "From", "Status", "Received"], data.rows.map(function (row) {
            return [link(row), row.reference, row.patient, row.codes, row.from, row.status, row.received];
          }))];
      }
    });
  }

  function claims() {
    searchPage({
      tab: null, title: "Claim Status", path: "/api/claim-statuses",
      fields: [["claim", "Claim number"], ["memberId", "Member ID"], ["from", "Service from", "MM/DD/YYYY"], ["to", "Service to", "MM/DD/YYYY"]],
      show: function (data) {
        if (!data.rows.length) return [data.message ? A.facts([["Status", data.message, "status"]]) : null];
        return [A.table(["Claim number", "Patient", "Service date", "Billed", "Status", "Paid", "Patient owes", "Reason", "Received"], data.rows.map(function (row) {
          return [row.claim, row.member, row.date, "$" + row.billed, row.status, row.paid ? "$" + row.paid : "", row.patient ? "$" + row.patient : "", row.reason || "", row.received];
        }))];
      }
    });
  }

  function eligibility() {
    searchPage({
      tab: null, title: "Eligibility and Benefits", path: "/api/eligibility",
      fields: [["memberId", "Member ID"], ["dob", "Date of birth", "MM/DD/YYYY"], ["day", "As of date", "MM/DD/YYYY"]],
      show: function (data) {
        if (data.message) return [h("p", { class: "empty" }, data.message)];
        return [A.facts([["Name", data.name], ["Member ID", data.memberId], ["Date of birth", data.dob], ["Payer", data.plan], ["As of date", data.day], ["Coverage", data.status, "status"], ["Coverage ended", data.ended]]),
          data.benefits.length ? A.table(["Benefit", "In network", "Out of network"], data.benefits.map(function (b) { return [b.name, b["in"], b.out]; })) : null];
      }
    });
  }

  function wanted(data) {
    if (!data.wanted.length) return h("p", { class: "small" }, "Documents can be added here only when they were asked for. Otherwise send them by fax with the number.");
    return h("section", { "aria-label": "Additional information requested" }, [h("h3", {}, "Additional information requested")].concat(data.wanted.map(function (kind) {
      var file = h("input", { type: "file" });
      var state = h("span", { class: "hint" });
      var button = h("button", { type: "button", onclick: function () {
        if (!file.files.length) { state.textContent = "Choose a file."; return; }
        var path = "/api/service-reviews/" + encodeURIComponent(data.number) + "/attachments?kind=" + encodeURIComponent(kind) + "&name=" + encodeURIComponent(file.files[0].name);
        button.disabled = true;
        A.call("POST", path, undefined, file.files[0]).then(function (answer) { state.textContent = "Received. Receipt " + answer.receipt; })
          .catch(function (error) {
            if (A.silent(error)) return;
            button.disabled = error.kind !== "refused";
            state.textContent = error.message;
          });
      } }, "Send " + kind.toLowerCase());
      return h("div", {}, [A.field(kind, file), h("div", { class: "row" }, [button, state])]);
    })));
  }

  function detail(number) {
    A.draw("#/auth/search", [A.skeleton(5)]);
    A.call("GET", "/api/service-reviews/" + encodeURIComponent(number)).then(function (data) {
      if (data.banner) { A.draw("#/auth/search", [A.banner(data.banner)]); return; }
      A.draw("#/auth/search", [h("h2", {}, "Request " + data.number), A.facts([
        ["Status", data.status, "status"], ["Reference Number", data.number], ["Certification Number", data.authorization],
        ["Certified from", data.validFrom], ["Certified to", data.validTo], ["Provider reference", data.reference], ["Payer", data.plan],
        ["Request type", data.requestType], ["Patient", data.patient], ["Member ID", data.memberId], ["Requesting provider", data.requesting],
        ["Servicing provider", data.servicing], ["Received", data.received], ["Transaction ID", data.transaction], ["Documents", data.documents.join(", ")]
      ]), h("h3", {}, "Service lines"), A.table(["Procedure", "Description", "From", "To", "Units asked", "Units certified", "Status", "Reason"], data.lines.map(function (l) {
        return [l.code, l.text || "", l.from, l.to, String(l.asked), l.granted === null ? "" : String(l.granted), l.status, l.reason || ""];
      })), wanted(data), h("h3", {}, "History"), h("ul", {}, data.history.map(function (e) { return h("li", {}, e.at + " " + e.what); }))]);
      A.overlay(data.overlay);
    }).catch(function (error) {
      if (error.kind === "refused") A.draw("#/auth/search", [h("p", { class: "empty" }, error.message)]);
      else A.broken(error);
    });
  }

  A.page(/^#\/auth\/dashboard$/, dashboard);
  A.page(/^#\/auth\/search$/, search);
  A.page(/^#\/claims$/, claims);
  A.page(/^#\/eligibility$/, eligibility);
  A.page(/^#\/auth\/([^/]+)$/, detail);
})();
