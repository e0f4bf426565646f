// What can be looked up, redesigned: my list, search, one request, claims, coverage.
(function () {
  "use strict";
  var K = window.Kit, F = window.Frame, h = K.h;
  function link(row) { return h("a", { href: "#/auth/" + encodeURIComponent(row.number) }, row.number); }

  // A long list: rows of 40 px, of which only those near the window are in the page.
  function longList(rows) {
    var space = h("div", { class: "wk-space" });
    var box = h("div", { class: "wk-long", role: "table", "aria-label": "My requests" }, space);
    space.style.height = rows.length * 40 + "px";
    function draw() {
      var start = Math.max(0, Math.floor(box.scrollTop / 40) - 4);
      space.replaceChildren.apply(space, rows.slice(start, start + 20).map(function (row, i) {
        var el = h("div", { class: "wk-item", role: "row" }, [row.status, row.patient, row.codes, row.from, link(row)].map(function (cell) {
          return h("span", { role: "cell" }, cell);
        }));
        el.style.top = (start + i) * 40 + "px";
        return el;
      }));
    }
    box.addEventListener("scroll", draw);
    draw();
    return [h("div", { class: "wk-item wk-itemhead" }, ["Decision", "Patient", "Services", "First day", "Number"].map(function (head) { return h("span", {}, head); })), box];
  }

  function mine() {
    F.draw("#/auth/dashboard", [K.waiting(5)]);
    K.call("GET", "/api/dashboard").then(function (data) {
      var number = K.input(""), found = h("div", { class: "wk-results", "aria-live": "polite" });
      function look(pin) {
        K.call("POST", "/api/pins", { number: number.value, pin: pin }).then(function (answer) {
          if (pin) { mine(); return; }
          found.replaceChildren(answer.rows.length ? K.grid("Found by number", ["Decision", "Patient", "Number", ""], answer.rows.map(function (row) {
            return [row.status, row.patient, link(row), K.button("Keep in my list", function () { look(true); })];
          })) : h("p", {}, "Nothing has this number."));
        }).catch(F.broken);
      }
      var form = h("form", { onsubmit: function (event) { event.preventDefault(); look(false); } },
        [K.labelled("Any number of a request", number), h("div", { class: "wk-foot" }, h("button", { type: "submit", class: "wk-plain" }, "Show"))]);
      F.draw("#/auth/dashboard", [h("h1", {}, "My list"), data.banner && h("p", { class: "wk-told", role: "status" }, data.banner)]
        .concat(data.rows.length ? longList(data.rows) : [h("p", {}, "Nothing here yet.")], [form, found]));
      K.over(data.overlay);
    }).catch(F.broken);
  }

  // A form that asks the server and shows rows or words.
  function question(options) {
    var boxes = options.fields.map(function (f) { return f[2] ? F.dateBox("") : K.input(""); });
    var results = h("div", { class: "wk-results", "aria-live": "polite" });
    var form = h("form", { onsubmit: function (event) {
      event.preventDefault();
      var query = options.fields.map(function (f, i) { return f[0] + "=" + encodeURIComponent(boxes[i].value.trim()); }).join("&");
      results.replaceChildren(K.waiting(3));
      K.call("GET", options.path + "?" + query).then(function (data) {
        var banner = data.banner && h("p", { class: "wk-told", role: "status" }, data.banner);
        results.replaceChildren.apply(results, [banner].concat(options.show(data)).filter(Boolean));
        K.over(data.overlay);
      }).catch(function (error) {
        if (error.kind === "refused") results.replaceChildren(K.warn(error.message));
        else F.broken(error);
      });
    } }, [h("div", { class: "wk-set" }, options.fields.map(function (f, i) { return K.labelled(f[1], boxes[i]); })),
      h("div", { class: "wk-foot" }, h("button", { type: "submit", class: "wk-main" }, options.button))]);
    F.draw(options.tab, [h("h1", {}, options.title), form, results]);
  }
  function search() {
    question({
      tab: "#/auth/search", title: "Find requests", path: "/api/service-reviews", button: "Find",
      fields: [["from", "Days of service from", true], ["to", "Days of service until", true], ["memberId", "Member number"]],
      show: function (data) {
        if (!data.rows.length) return [data.message && h("p", { class: "wk-none" }, "Nothing found for this member and time.")];
        return [K.grid("Found: " + data.rows.length, ["Decision", "Received", "Services", "First day", "Your reference", "Number"], data.rows.map(function (row) {
          return [row.status, row.received, row.codes, row.from, row.reference, link(row)];
        }))];
      }
    });
  }
  function claims() {
    question({
      tab: null, title: "Claims", path: "/api/claim-statuses", button: "Find claims",
      fields: [["memberId", "Member number"], ["from", "Days of service from", true], ["to", "Days of service until", true], ["claim", "Claim control number"]],
      show: function (data) {
        if (!data.rows.length) return [data.message && K.pairs([["Outcome", data.message]])];
        return [K.grid("Claims found", ["Outcome", "Claim control number", "Day of service", "Plan paid", "Patient share", "Amount billed", "Why", "Patient"], data.rows.map(function (row) {
          return [row.status, row.claim, row.date, row.paid ? "$" + row.paid : "", row.patient ? "$" + row.patient : "", "$" + row.billed, row.reason || "", row.member];
        }))];
      }
    });
  }
  function coverage() {
    question({
      tab: null, title: "Coverage", path: "/api/eligibility", button: "Show coverage",
      fields: [["day", "On this day", true], ["dob", "Born on", true], ["memberId", "Member number"]],
      show: function (data) {
        if (data.message) return [h("p", { class: "wk-none" }, "Nobody found with this number and birth date.")];
        return [K.pairs([["Cover", data.status], ["On this day", data.day], ["Cover ended", data.ended], ["Plan", data.plan], ["Name", data.name], ["Member number", data.memberId], ["Born on", data.dob]]),
          data.benefits.length ? K.grid("Benefits", ["Out of network", "In network", "Benefit"], data.benefits.map(function (b) { return [b.out, b["in"], b.name]; })) : null];
      }
    });
  }

  function wanted(data) {
    if (!data.wanted.length) return h("p", {}, "Papers can be added here only when they were asked for. Otherwise send them by fax with the number.");
    return h("section", { class: "wk-card", "aria-label": "The plan asks for papers" }, [h("h2", {}, "The plan asks for papers")].concat(data.wanted.map(function (kind) {
      var file = h("input", { type: "file" }), state = h("span", { class: "wk-hint" });
      var button = K.button("Send " + kind.toLowerCase(), function () {
        if (!file.files.length) { state.textContent = "Choose a file."; return; }
        var path = "/api/service-reviews/" + encodeURIComponent(data.number) + "/attachments?kind=" + encodeURIComponent(kind) + "&name=" + encodeURIComponent(file.files[0].name);
        button.disabled = true;
        K.call("POST", path, undefined, file.files[0]).then(function (answer) { state.textContent = "Received. Receipt " + answer.receipt; })
          .catch(function (error) {
            if (F.silent(error)) return;
            button.disabled = error.kind !== "refused";
            state.textContent = error.message;
          });
      });
      return h("div", {}, [K.labelled(kind, file), h("div", { class: "wk-foot" }, [button, state])]);
    })));
  }
  function detail(number) {
    F.draw("#/auth/search", [K.waiting(5)]);
    K.call("GET", "/api/service-reviews/" + encodeURIComponent(number)).then(function (data) {
      if (data.banner) { F.draw("#/auth/search", [h("p", { class: "wk-told", role: "status" }, data.banner)]); return; }
      F.draw("#/auth/search", [h("h1", {}, "Request " + data.number), K.pairs([
        ["Decision", data.status], ["Request number", data.number], ["Approval number", data.authorization], ["Approved from", data.validFrom], ["Approved until", data.validTo]
      ]), wanted(data), K.grid("Services", ["Decision", "Explanation", "Service code", "Description", "Quantity granted", "Quantity asked", "First day", "Last day"], data.lines.map(function (l) {
        return [l.status, l.reason || "", l.code, l.text || "", l.granted === null ? "" : String(l.granted), String(l.asked), l.from, l.to];
      })), h("details", {}, [h("summary", {}, "Who and when"), K.pairs([
        ["Patient", data.patient], ["Member number", data.memberId], ["Plan", data.plan], ["Kind of request", data.requestType], ["Ordering provider", data.requesting],
        ["Performing provider", data.servicing], ["Received", data.received], ["Your reference", data.reference], ["Exchange ID", data.transaction], ["Papers", data.documents.join(", ")]
      ])]), h("details", {}, [h("summary", {}, "What happened"), h("ol", {}, data.history.map(function (e) { return h("li", {}, e.at + " " + e.what); }))])]);
      K.over(data.overlay);
    }).catch(function (error) {
      if (error.kind === "refused") F.draw("#/auth/search", [h("p", { class: "wk-none" }, "There is no such request.")]);
      else F.broken(error);
    });
  }

  F.page(/^#\/auth\/dashboard$/, mine);
  F.page(/^#\/auth\/search$/, search);
  F.page(/^#\/claims$/, claims);
  F.page(/^#\/eligibility$/, coverage);
  F.page(/^#\/auth\/([^/]+)$/, detail);
})();
