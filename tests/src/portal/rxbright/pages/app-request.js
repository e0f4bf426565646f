// One request as first built: one long form while it is open, its answers and the decision afterwards, the signature page
// with the button that sends, and the history.
(function () {
  "use strict";
  var Rx = window.Rx, App = window.App, h = Rx.h, call = Rx.call;
  var reconnecting = h("div", { class: "banner", role: "status" }, "Reconnecting…");
  function link(up) { if (up) reconnecting.remove(); else document.body.append(reconnecting); }

  function header(r) {
    var d = r.decision || {};
    return [
      h("p", { class: "crumb" }, [Rx.link("/dashboard", "Requests"), " › ", r.key]),
      h("h1", {}, r.drug), r.notice && h("p", { class: "note" }, r.notice), d.note && h("p", { class: "note", role: "status" }, d.note),
      r.wanted.length > 0 && h("p", { class: "note" }, "Asked for: " + r.wanted.join("; ")),
      App.facts([["Key", r.key], ["Status", h("span", { class: "chip " + r.status.replace(/\W/g, "").toLowerCase() }, r.status)],
        ["Patient", r.patient], ["Date of birth", r.dob], ["Member ID", r.memberId], ["Plan", r.plan], ["Prescriber", r.prescriber],
        ["Started", r.begun], ["Sent to plan", r.sent], ["Renewed from", r.renewedFrom],
        ["Authorization", d.authorization], ["Valid from", d.from], ["Valid to", d.to], ["Quantity approved", d.quantity], ["Reason", d.reason]])
    ];
  }
  function summary(r) {
    return h("section", { class: "card", "aria-label": "Answers" }, [h("h2", {}, "Answers"),
      r.answered.length ? App.table("Answers to the plan", ["Question", "Answer"], r.answered.map(function (pair) {
        return h("tr", {}, [h("td", {}, pair[0]), h("td", {}, pair[1])]);
      })) : h("p", { class: "quiet" }, "No answers yet."),
      h("p", { class: "small" }, r.files.length ? "Attachments: one PDF of " + r.pages + (r.pages === 1 ? " page." : " pages.") : "No attachments.")]);
  }

  function control(question, value, changed) {
    var el;
    function told() { changed(question.id, question.kind === "statement" ? String(el.checked) : el.value); }
    if (question.kind === "statement") {
      el = h("input", { type: "checkbox", name: question.id, onchange: told });
      el.checked = value === "true";
      return h("label", { class: "tick" }, [el, " " + question.label]);
    }
    if (question.kind === "radio") {
      return h("fieldset", { class: "radios", role: "radiogroup", "aria-label": question.label }, [h("legend", {}, question.label)].concat(question.options.map(function (option) {
        var box = h("input", { type: "radio", name: question.id, onchange: function () { changed(question.id, option); } });
        box.checked = value === option;
        return h("label", { class: "tick" }, [box, " " + option]);
      })));
    }
    el = question.kind === "select" ? App.select(question.options, "Choose") : question.kind === "date" ? App.dateInput({ name: question.id }) : App.input({ name: question.id });
    el.value = value || "";
    el.addEventListener(question.kind === "select" ? "change" : "input", told);
    var label = question.label + (question.required ? " *" : " (optional)");
    if (question.required) el.setAttribute("aria-required", "true");
    return question.id === "quantity" ? App.beside(label, el) : App.field(label, el);
  }

  // The questions of the present round, set by set as they come; an answer can change a later set.
  function questions(values, changed) {
    var box = h("div", { class: "sets" }), sets = {};
    return {
      box: box, values: values,
      hear: function (data) {
        var list = Rx.settings.reordered ? data.questions.slice().reverse() : data.questions;
        var made = h("fieldset", { class: "set" }, [h("legend", {}, data.set === 3 ? "More questions from the plan" : "Questions from the plan, part " + data.set)].concat(
          list.map(function (q) { return control(q, values[q.id], function (id, value) { values[id] = value; changed(id, value); }); })));
        if (data.set === 3) { box.replaceChildren(made); return; }
        if (sets[data.set] && sets[data.set].isConnected) sets[data.set].replaceWith(made); else box.append(made);
        sets[data.set] = made;
      }
    };
  }

  function attachments(key, r) {
    var list = h("ol", { class: "files" }), merged = h("p", { class: "small", role: "status" }), box = App.alertBox();
    var file = h("input", { type: "file", multiple: true, accept: ".pdf,.png,.jpg,.jpeg" });
    function show(value) {
      list.replaceChildren.apply(list, value.files.map(function (one, at) {
        return h("li", {}, [one.name + ", " + one.pages + (one.pages === 1 ? " page " : " pages "), App.button("Remove", function () {
          call("DELETE", "/api/requests/" + key + "/files/" + at).then(show, function (e) { App.complain(box, e); });
        }, "plain")]);
      }));
      merged.textContent = value.files.length ? "Merged into one PDF of " + value.pages + (value.pages === 1 ? " page" : " pages") + ", in this order." : "";
      if (value.scanning) merged.textContent = "Scanning…";
    }
    file.onchange = function () {
      var chosen = Array.prototype.slice.call(file.files), queue = Promise.resolve();
      App.complain(box);
      chosen.forEach(function (one) {
        queue = queue.then(function () { merged.textContent = "Uploading…"; return call("POST", "/api/requests/" + key + "/files?name=" + encodeURIComponent(one.name), undefined, one).then(show); });
      });
      queue.catch(function (e) { merged.textContent = ""; App.complain(box, e); }).then(function () { file.value = ""; });
    };
    show(r);
    return h("section", { class: "card", "aria-label": "Attachments" }, [h("h2", {}, "Attachments"), box, App.field("Add a file", file, "PDF, PNG or JPEG, 10 MB each"), list, merged]);
  }

  function openForm(key, r, draft, form) {
    var state = h("p", { class: "state", role: "status" }), box = App.alertBox(), known = r, typing = false;
    var next = App.button(r.esign ? "Continue to signature" : "Continue", function () {
      draft.flush().then(function () { Rx.go("/request/" + key + "/sign"); });
    }, "primary");
    function show() {
      var behind = known.seq > form.last(), left = known.left;
      next.disabled = typing || behind || known.waiting || left > 0;
      if (typing) state.textContent = "Saving…";
      else if (behind || known.waiting) state.textContent = "Waiting for questions from the plan…";
      else state.textContent = (known.message ? known.message + " " : "") + (left > 0 ? left + (left === 1 ? " question left." : " questions left.") : "All questions are answered.");
    }
    form.told = function (what, value) {
      typing = what === "typing";
      App.complain(box, what === "failed" ? value : null);
      if (what === "saved") known = value;
      show();
    };
    form.heard = function () {
      if (known.waiting) call("GET", "/api/requests/" + key).then(function (value) { if (!typing) { known = value; show(); } }).catch(function () {});
      show();
    };
    show();
    return [h("section", { class: "card", "aria-label": "Questions" }, [h("h2", {}, "Questions"), form.set.box, box, state]), attachments(key, r),
      h("div", { class: "row" }, [next, r.discardable && App.button("Discard request", function () {
        if (confirm("Discard this request?")) call("DELETE", "/api/requests/" + key).then(function () { Rx.go("/dashboard"); }).catch(function (e) { App.complain(box, e); });
      }, "plain")])];
  }

  // On a request that was sent "Save" sends the change.
  function editable(key, r, form) {
    var box = App.alertBox(), holder = h("div", {}), note = h("p", { class: "state", role: "status" });
    var edit = App.button("Edit answers", function () { holder.replaceChildren(h("section", { class: "card" }, [form.set.box, box, h("div", { class: "row" }, App.button("Save", save, "primary"))])); edit.remove(); });
    function save() {
      App.complain(box);
      call("POST", "/api/requests/" + key + "/changes", { answers: form.set.values }).then(function (value) {
        holder.replaceChildren(h("p", { class: "note", role: "status" }, value.message)); App.toast(value.message);
      }, function (e) { App.complain(box, e); });
    }
    return [summary(r), note, h("div", { class: "row" }, edit), holder];
  }

  function down(words) { App.desk("", [h("h1", {}, "Requests"), h("div", { class: "banner", role: "status" }, words)]); }
  function failed(error) { if (!Rx.silent(error)) App.desk("", [h("div", { class: "alert", role: "alert" }, error.message)]); }

  Rx.page(/^\/request\/([^/]+)$/, function (key) {
    var line = null, draft = null, form = null, left = false;
    function draw() {
      call("GET", "/api/requests/" + key).then(function (r) {
        if (left) return;
        if (r.banner) { down(r.banner); return; }
        if (line) line.close();
        form = { told: function () {}, heard: function () {}, last: function () { return line ? line.last() : 0; } };
        draft = Rx.draft(key, function (what, value) { form.told(what, value); });
        form.set = questions(Object.assign({}, r.answers), function (id, value) { if (r.open) draft.put(id, value); });
        var top = h("div", {}, header(r));
        var body = r.open ? openForm(key, r, draft, form) : r.editable ? editable(key, r, form) : [summary(r)];
        App.desk("", [top].concat(body, [h("div", { class: "row" }, [
          r.renewable && App.button("Renew", function () {
            call("POST", "/api/requests/" + key + "/renew").then(function (value) { Rx.go("/request/" + value.key); }, failed);
          }), Rx.link("/request/" + key + "/history", "History")])]));
        line = Rx.socket(key, function (type, data) {
          if (type === "toast") App.toast(data.text);
          if (type === "question_set") { form.set.hear(data); form.heard(); }
          if (type === "status") changed(r, top);
        }, link);
      }, failed);
    }
    function changed(r, top) {
      call("GET", "/api/requests/" + key).then(function (now) {
        if (left) return;
        if (now.open !== r.open || now.editable !== r.editable || Boolean(now.sent) !== Boolean(r.sent)) { draw(); return; }
        top.replaceChildren.apply(top, header(now).filter(Boolean));
        form.heard();
      }).catch(function () {});
    }
    draw();
    return function () { left = true; if (draft) draft.flush(); if (line) line.close(); reconnecting.remove(); };
  });

  Rx.page(/^\/request\/([^/]+)\/sign$/, function (key) {
    var line = null, left = false;
    call("GET", "/api/requests/" + key).then(function (r) {
      if (left) return;
      if (r.banner) { down(r.banner); return; }
      if (!r.open) { Rx.go("/request/" + key, true); return; }
      var box = App.alertBox(), busy = false;
      var name = App.input({ name: "signature" }), agent = h("input", { type: "checkbox", name: "agent" });
      var signed = h("p", { class: "state", role: "status" }, r.signed ? "Signed by " + r.signed.name + "." : "");
      var send = App.button(App.words.send, function () {
        if (busy) return;
        busy = true; App.complain(box);
        Rx.insist(function () { return call("POST", "/api/requests/" + key + "/send"); }, r.tries || 1).then(done, function (e) { busy = false; App.complain(box, e); });
      }, "primary");
      send.disabled = r.esign && !r.signed;
      function done(value) {
        Rx.remember(r.resends, "/api/requests/" + key + "/send");
        App.toast(value.message);
        if (value.toast) App.toast(value.toast);
        App.desk("", [h("h1", {}, "Sent to the plan"), h("section", { class: "card", "aria-label": "Confirmation" }, [
          h("p", {}, value.message), App.facts([["Key", value.key], ["Status", value.status], ["Drug", r.drug], ["Patient", r.patient]]),
          h("p", { class: "small" }, "The plan may come back with more questions. Keep the key.")]),
          h("div", { class: "row" }, [Rx.link("/request/" + key, "Open this request"), Rx.link("/dashboard", "Dashboard")])]);
      }
      var signing = r.esign && h("section", { class: "card", "aria-label": "Signature" }, [h("h2", {}, "Signature"), h("p", { class: "terms" }, Rx.settings.statement),
        App.field("Type your full name", name), h("label", { class: "tick" }, [agent, " I am the prescriber or agent"]),
        h("div", { class: "row" }, App.button(App.words.sign, function () {
          App.complain(box);
          call("POST", "/api/requests/" + key + "/signature", { name: name.value, agent: agent.checked }).then(function (value) {
            signed.textContent = "Signed by " + value.signed + "."; send.disabled = false;
          }, function (e) { App.complain(box, e); });
        })), signed]);
      App.desk("", header(r).concat([summary(r), signing, box, h("div", { class: "row" }, [send,
        r.decoy && App.button(r.decoy, function () {}, "primary"), Rx.link("/request/" + key, "Back to the questions")])]));
      line = Rx.socket(key, function (type, data) { if (type === "toast") App.toast(data.text); }, link);
    }, failed);
    return function () { left = true; if (line) line.close(); reconnecting.remove(); };
  });

  Rx.page(/^\/request\/([^/]+)\/history$/, function (key) {
    call("GET", "/api/requests/" + key + "/history").then(function (value) {
      App.desk("", [h("p", { class: "crumb" }, [Rx.link("/dashboard", "Requests"), " › ", Rx.link("/request/" + key, key), " › History"]), h("h1", {}, "History"),
        App.table("What happened", ["When", "What"], value.lines.map(function (one) { return h("tr", {}, [h("td", {}, one[0]), h("td", {}, one[1])]); }))]);
    }, failed);
  });
})();
