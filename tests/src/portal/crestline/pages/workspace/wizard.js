// The redesigned request. The draft lives in this page alone: a reload loses it.
(function () {
  "use strict";
  var K = window.Kit, F = window.Frame, P = window.Parts, X = window.Shared, h = K.h;
  var STEPS = ["w1", "w2", "w3", "w4", "check", "w5", "w6", "review"];
  var NAMES = ["Plan and kind", "Who is it for", "Who asks and who treats", "What is asked", "Is it needed", "Papers", "Questions", "Check and send"];
  var draft;
  function fresh() {
    return { plan: "", type: "", patient: null, memberId: "", dob: "", requesting: "", servicing: "", diagnoses: [], lines: [P.empty()],
      documents: [], expedited: false, reference: "", phone: "", question: null, answer: "" };
  }

  // Draws a step; `next` says what is wrong, or nothing when the request may go on.
  function frame(step, content, next) {
    var place = STEPS.indexOf(step);
    var wrong = h("div", { class: "wk-warn", role: "alert", hidden: true });
    var on = next && K.button("Continue", function () {
      var words = next();
      if (words) { wrong.textContent = words; wrong.hidden = false; return; }
      show(STEPS[place + 1]);
    }, true);
    var back = place > 0 && K.button("Previous", function () { show(STEPS[place - 1]); });
    F.draw("#/auth/new", [
      h("p", { class: "wk-place" }, "Step " + (place + 1) + " of " + STEPS.length), h("h1", {}, NAMES[place])
    ].concat(content, [wrong, h("div", { class: "wk-foot" }, [on, back])]));
    return wrong;
  }
  function show(step) {
    F.draw("#/auth/new", [K.waiting(4)]);
    K.call("GET", "/api/steps/" + step).then(function (model) {
      if (model.question) draft.question = model.question;
      drawers[step](model);
      K.over(model.overlay);
    }).catch(F.broken);
  }

  function first() {
    var cards = K.settings.plans.map(function (plan) {
      var radio = h("input", { type: "radio", name: "wk-plan", value: plan.code });
      radio.checked = draft.plan === plan.code;
      radio.addEventListener("change", function () { draft = Object.assign(fresh(), { plan: plan.code, type: draft.type }); });
      return h("label", { class: "wk-pickcard" }, [radio, h("strong", {}, plan.name)]);
    });
    var kind = K.choice(["Inpatient", "Outpatient", "Referral"].map(function (type) { return [type, type]; }), draft.type, "Choose one");
    kind.addEventListener("change", function () { draft.type = kind.value; });
    frame("w1", [K.labelled("Kind of request", kind), h("div", { role: "radiogroup", "aria-label": "Plan", class: "wk-picks" }, cards)], function () {
      if (!draft.plan) return "Select a payer.";
      return draft.type ? "" : "Select a request type.";
    });
  }

  function patient(model) {
    var holder = h("div", {}, K.waiting(2)), results = h("div", { class: "wk-results", "aria-live": "polite" });
    frame("w2", [holder, results], function () { return draft.patient ? "" : "Select a patient."; });
    // The fields come in two passes: drawn first, brought to life a moment later by drawing them again.
    function form(alive) {
      var words = model.renamed ? ["Birthday", "Subscriber ID", "Go"] : ["Born on", "Member number", "Look up"];
      var born = F.dateBox(alive ? draft.dob : ""), member = K.input(alive ? draft.memberId : "");
      var fields = [K.labelled(words[0], born), K.labelled(words[1], member)];
      if (model.reordered) fields.reverse();
      holder.replaceChildren(h("form", { onsubmit: function (event) {
        event.preventDefault();
        if (!alive) return;
        draft.memberId = member.value.trim();
        draft.dob = born.value;
        draft.patient = null;
        find();
      } }, [h("div", { class: "wk-set" }, fields), h("div", { class: "wk-foot" }, h("button", { type: "submit", class: "wk-plain" }, words[2]))]));
    }
    function find() {
      results.replaceChildren(K.waiting(2));
      K.call("GET", "/api/patients?plan=" + draft.plan + "&memberId=" + encodeURIComponent(draft.memberId) + "&dob=" + encodeURIComponent(draft.dob))
        .then(function (data) {
          if (!data.before) { list(data.patients, data.message); return; }
          list(data.before, "");
          setTimeout(function () { list(data.patients, data.message); }, data.settleMs);
        })
        .catch(function (error) { if (!F.silent(error)) results.replaceChildren(K.warn(error.message)); });
    }
    function list(patients, message) {
      var cards = patients.map(function (p) {
        return h("article", { class: "wk-card" }, [K.pairs([["Born on", p.dob], ["Plan", p.plan], ["Name", p.name], ["Cover", p.coverage], ["Member number", p.memberId]]),
          h("button", { type: "button", class: "wk-plain", disabled: !p.active, onclick: function () { take(p); } }, "Use this patient")]);
      });
      results.replaceChildren.apply(results, (message ? [K.warn(message)] : []).concat(cards));
    }
    function take(p) {
      K.call("POST", "/api/context", { memberId: p.memberId }).then(function () { draft.patient = p; chosen(); }).catch(F.broken);
    }
    function chosen() {
      var p = draft.patient;
      results.replaceChildren(h("h2", {}, "This request is for"), K.pairs([["Member number", p.memberId], ["Name", p.name], ["Born on", p.dob], ["Cover", p.coverage]]));
    }
    setTimeout(function () {
      form(false);
      setTimeout(function () { form(true); }, K.settings.readyMs);
    }, K.settings.skeletonMs);
    if (draft.patient) chosen();
  }

  function providers(model) {
    var options = K.settings.providers.filter(function (p) { return p.npi !== model.without; }).map(function (p) { return [p.npi, p.name + " (" + p.npi + ")"]; });
    var treats = K.choice(options, draft.servicing, "Choose a provider"), asks = K.choice(options, draft.requesting, "Choose a provider");
    asks.addEventListener("change", function () { draft.requesting = asks.value; });
    treats.addEventListener("change", function () { draft.servicing = treats.value; });
    frame("w3", [h("div", { class: "wk-set" }, [K.labelled("Performing provider", treats), K.labelled("Ordering provider", asks)]),
      h("button", { type: "button", class: "wk-plain", disabled: true, title: "Ask your office administrator" }, "Another provider")], function () {
      return draft.requesting && draft.servicing ? "" : "Select both providers.";
    });
  }

  function services() {
    var urgent = h("input", { type: "checkbox", role: "switch" });
    urgent.checked = draft.expedited;
    urgent.addEventListener("change", function () { draft.expedited = urgent.checked; });
    frame("w4", [h("label", { class: "wk-tick" }, [urgent, "Urgent review"]), P.services(draft), P.diagnoses(draft)], function () {
      if (!draft.diagnoses.length) return "Enter at least one diagnosis.";
      for (var i = 0; i < draft.lines.length; i += 1) {
        var line = draft.lines[i], name = "Service " + (i + 1) + ": ";
        if (!line.code) return name + "Select a code from the list.";
        if (!/^[1-9]\d{0,2}$/.test(line.units)) return name + "enter the quantity.";
        if (!line.from || !line.to) return name + "enter both days.";
      }
      return "";
    });
  }

  function check() {
    frame("check", [K.waiting(1)], null);
    var body = { memberId: draft.patient.memberId, lines: draft.lines.map(function (l) { return { code: l.code, units: Number(l.units) }; }) };
    K.call("POST", "/api/precheck", body).then(function (data) {
      var vendor = data.result === "Handled by Verity Review";
      frame("check", [h("div", { class: "wk-card" }, K.pairs([["Authorization for this service", data.result]])),
        vendor && h("p", {}, "Requests for this service are reviewed by Verity Review."), vendor && X.door(draft, "Go on at Verity Review", "wk-main")], vendor ? null : function () { return ""; });
    }).catch(F.broken);
  }
  function papers() {
    frame("w5", [P.files(draft)], function () { return draft.type === "Inpatient" && !draft.documents.length ? "Inpatient requests need a document." : ""; });
  }
  function questionnaire() {
    var holder = h("div", {});
    frame("w6", [h("p", {}, "A few questions may lead to a decision at once. You may leave them out."), K.button("Answer the questions", function () {
      holder.replaceChildren(h("iframe", { title: "Questions", class: "wk-asks", src: "/questionnaire" }));
    }), holder], function () { return ""; });
  }
  window.addEventListener("message", function (event) {
    if (event.origin !== location.origin || !event.data || event.data.kind !== "answered") return;
    document.querySelectorAll("iframe.wk-asks").forEach(function (el) { el.replaceWith(h("p", { role: "status" }, "Questions answered.")); });
  });

  function bound(name, el) {
    el.addEventListener("input", function () { draft[name] = el.value; });
    return el;
  }
  function review(model) {
    var provider = function (npi) { var p = K.settings.providers.filter(function (x) { return x.npi === npi; })[0]; return p ? p.name + " (" + npi + ")" : npi; };
    var right = h("input", { type: "checkbox" });
    var rows = draft.lines.map(function (l) { return [F.shown(l.from), F.shown(l.to), l.code, l.text, l.units]; });
    var question = draft.question ? bound("answer", K.input(draft.answer, { required: true, "aria-required": "true" })) : null;
    function keep() {
      K.call("POST", "/api/drafts", {}).then(function (data) { wrong.textContent = data.message; wrong.hidden = false; }).catch(F.broken);
    }
    var sendIt = K.button("Send request", function () { send(right, wrong, sendIt, model); }, true);
    var content = [K.pairs([
      ["Name", draft.patient.name], ["Born on", draft.patient.dob], ["Member number", draft.patient.memberId],
      ["Plan", K.settings.plans.filter(function (p) { return p.code === draft.plan; })[0].name], ["Kind of request", draft.type],
      ["Ordering provider", provider(draft.requesting)], ["Performing provider", provider(draft.servicing)],
      ["Diagnosis codes", draft.diagnoses.map(function (d) { return d.code; }).join(", ")], ["Urgency", draft.expedited ? "Urgent" : "Standard"],
      ["Papers", draft.documents.map(function (d) { return d.name; }).join(", ") || "None"]
    ]), K.grid("Services asked for", ["First day", "Last day", "Service code", "Description", "Quantity"], rows),
    h("div", { class: "wk-set" }, [K.labelled("Phone for questions (optional)", bound("phone", K.input(draft.phone))),
      K.labelled("Your reference (optional)", bound("reference", K.input(draft.reference, { maxlength: "30" }))), question && K.labelled(draft.question + " *", question)]),
    h("label", { class: "wk-tick" }, [right, "Everything above is correct"]),
    h("div", { class: "wk-foot" }, [sendIt, K.button("Save for later", keep), model.later && K.button("Send request later", keep, true)])];
    var wrong = frame("review", content, null);
  }

  function send(right, wrong, button, model) {
    function say(words) { wrong.textContent = words; wrong.hidden = false; }
    if (draft.question && !draft.answer.trim()) { say(draft.question + " is required."); return; }
    if (!right.checked) { say("Confirm that the information is accurate."); return; }
    wrong.hidden = true;
    button.disabled = true;
    button.textContent = "Sending…";
    X.file(draft, model, {
      tell: F.tell, broken: function (words) { F.draw(null, [K.warn(words)]); },
      refused: function (words) { button.disabled = false; button.textContent = "Send request"; say(words); },
      filed: function (key) { draft = fresh(); location.hash = "#/auth/confirmation/" + key; }
    });
  }

  function confirmation(key) {
    F.draw(null, [K.waiting(3)]);
    X.confirmation(key, function (data) {
      F.draw(null, [h("h1", {}, "Sent to the plan"), h("p", {}, "Write the number down: this page cannot be opened again."),
        K.pairs([["Decision so far", data.status], ["Exchange ID", data.transaction], ["Request number", data.number]]),
        h("div", { class: "wk-foot" }, [h("a", { href: "#/auth/dashboard" }, "My list"), K.button("Print", function () { window.print(); })])]);
      if (data.toast) document.body.append(h("div", { class: "wk-toast", role: "alert" }, data.toast));
    }, F.broken);
  }

  var drawers = { w1: first, w2: patient, w3: providers, w4: services, check: check, w5: papers, w6: questionnaire, review: review };
  F.page(/^#\/auth\/new$/, function () { draft = fresh(); show("w1"); });
  F.page(/^#\/auth\/confirmation\/(.+)$/, function (key) { confirmation(key); });
})();
