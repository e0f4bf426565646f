// The request wizard. The draft lives in this page alone: a reload loses it.
(function () {
  "use strict";
  var A = window.App, h = A.h, S = window.Services, X = window.Shared;
  var STEPS = ["w1", "w2", "w3", "w4", "check", "w5", "w6", "review"];
  var NAMES = ["Payer and type", "Patient", "Providers", "Services", "Authorization check", "Documents", "Questionnaire", "Review"];
  var draft;

  function fresh() {
    return { plan: "", type: "", patient: null, memberId: "", dob: "", requesting: "", servicing: "", diagnoses: [],
      lines: [{ code: "", text: "", units: "", from: "", to: "" }], documents: [], expedited: false, reference: "", question: null, answer: "" };
  }
  function dateOf(text) { return /^\d{1,2}\/\d{1,2}\/\d{4}$/.test(text); }

  // Draws a step; `next` says what is wrong, or nothing when the wizard may go on.
  function frame(step, content, next, label) {
    var place = STEPS.indexOf(step);
    var alert = h("div", { class: "alert", role: "alert", hidden: true });
    var back = place > 0 && h("button", { type: "button", onclick: function () { show(STEPS[place - 1]); } }, "Back");
    var go = next && h("button", { type: "button", class: "primary", onclick: function () {
      var wrong = next();
      if (wrong) { alert.textContent = wrong; alert.hidden = false; return; }
      show(STEPS[place + 1]);
    } }, label || "Next");
    A.draw("#/auth/new", [
      h("ol", { class: "stepper", "aria-label": "Steps" }, NAMES.map(function (name, i) {
        return h("li", { class: i === place ? "on" : null, "aria-current": i === place ? "step" : null }, name);
      })),
      h("h2", {}, NAMES[place])
    ].concat(content, [alert, h("div", { class: "row" }, [back, go])]));
    return alert;
  }

  function show(step) {
    A.draw("#/auth/new", [A.skeleton(3)]);
    A.call("GET", "/api/steps/" + step).then(function (model) {
      if (model.question) draft.question = model.question;
      drawers[step](model);
      A.overlay(model.overlay);
    }).catch(A.broken);
  }

  function first() {
    var plan = A.select(A.settings.plans.map(function (p) { return [p.code, p.name]; }), draft.plan, "Select a payer");
    plan.addEventListener("change", function () {
      var kept = { plan: plan.value, type: draft.type };
      draft = Object.assign(fresh(), kept);
    });
    var group = "t" + Date.now();
    var radios = ["Inpatient", "Outpatient", "Referral"].map(function (type) {
      var radio = h("input", { type: "radio", name: group, value: type });
      radio.checked = draft.type === type;
      radio.addEventListener("change", function () { draft.type = type; });
      return h("label", { class: "tick" }, [radio, type]);
    });
    frame("w1", [A.field("Payer", plan), h("fieldset", { role: "radiogroup", "aria-label": "Request type" }, [h("legend", {}, "Request type")].concat(radios))], function () {
      if (!draft.plan) return "Select a payer.";
      if (!draft.type) return "Select a request type.";
      return "";
    });
  }

  function patient(model) {
    var holder = h("div", {}, A.skeleton(2));
    var results = h("div", { "aria-live": "polite" });
    frame("w2", [holder, results], function () { return draft.patient ? "" : "Select a patient."; });
    // The fields come in two passes: drawn first, brought to life a moment later by drawing them again.
    function form(alive) {
      var words = model.renamed ? ["Subscriber number", "Birthday", "Look up"] : ["Member ID", "Date of birth", "Search"];
      var member = A.input(alive ? draft.memberId : ""), dob = A.input(alive ? draft.dob : "", { placeholder: "MM/DD/YYYY" });
      var fields = [A.field(words[0], member), A.field(words[1], dob)];
      if (model.reordered) fields.reverse();
      var button = h("button", { type: "submit" }, words[2]);
      var el = h("form", { onsubmit: function (event) {
        event.preventDefault();
        if (!alive) return;
        draft.memberId = member.value.trim();
        draft.dob = dob.value.trim();
        draft.patient = null;
        find();
      } }, fields.concat(h("div", { class: "row" }, button)));
      holder.replaceChildren(el);
    }
    function find() {
      results.replaceChildren(A.skeleton(2));
      var query = "plan=" + draft.plan + "&memberId=" + encodeURIComponent(draft.memberId) + "&dob=" + encodeURIComponent(draft.dob);
      A.call("GET", "/api/patients?" + query).then(function (data) {
        if (!data.before) { list(data.patients, data.message); return; }
        list(data.before, "");
        setTimeout(function () { list(data.patients, data.message); }, data.settleMs);
      })
        .catch(function (error) {
          if (A.silent(error)) return;
          results.replaceChildren(h("div", { class: "alert", role: "alert" }, error.message));
        });
    }
    function list(patients, message) {
      var rows = patients.map(function (p) {
        var pick = h("button", { type: "button", disabled: !p.active, onclick: function () {
          A.call("POST", "/api/context", { memberId: p.memberId }).then(function () {
            draft.patient = p;
            chosen();
          }).catch(A.broken);
        } }, "Select");
        return [p.name, p.memberId, p.dob, p.plan, p.coverage, pick];
      });
      var parts = [];
      if (message) parts.push(h("div", { class: "alert", role: "alert" }, message));
      if (rows.length) parts.push(A.table(["Name", "Member ID", "Date of birth", "Payer", "Coverage", ""], rows));
      results.replaceChildren.apply(results, parts);
    }
    function chosen() {
      var p = draft.patient;
      results.replaceChildren(h("h3", {}, "Selected patient"), A.facts([["Name", p.name], ["Member ID", p.memberId], ["Date of birth", p.dob], ["Coverage", p.coverage]]));
    }
    setTimeout(function () {
      form(false);
      setTimeout(function () { form(true); }, A.settings.readyMs);
    }, A.settings.skeletonMs);
    if (draft.patient) chosen();
  }

  function providers(model) {
    var options = A.settings.providers.filter(function (p) { return p.npi !== model.without; }).map(function (p) { return [p.npi, p.name + " (" + p.npi + ")"]; });
    var requesting = A.select(options, draft.requesting, "Select a provider"), servicing = A.select(options, draft.servicing, "Select a provider");
    requesting.addEventListener("change", function () { draft.requesting = requesting.value; });
    servicing.addEventListener("change", function () { draft.servicing = servicing.value; });
    frame("w3", [A.field("Requesting provider", requesting), A.field("Servicing provider", servicing),
      h("button", { type: "button", disabled: true, title: "Ask your office administrator" }, "Add provider")], function () {
      return draft.requesting && draft.servicing ? "" : "Select both providers.";
    });
  }

  function services() {
    var tick = h("input", { type: "checkbox" });
    tick.checked = draft.expedited;
    tick.addEventListener("change", function () { draft.expedited = tick.checked; });
    frame("w4", [S.diagnoses(draft), S.lines(draft), h("label", { class: "tick" }, [tick, "Expedited review"])], function () {
      if (!draft.diagnoses.length) return "Enter at least one diagnosis.";
      for (var i = 0; i < draft.lines.length; i += 1) {
        var line = draft.lines[i], name = "Service line " + (i + 1) + ": ";
        if (!line.code) return name + "Select a code from the list.";
        if (!/^[1-9]\d{0,2}$/.test(line.units)) return name + "enter the units.";
        if (!dateOf(line.from) || !dateOf(line.to)) return name + "enter dates as MM/DD/YYYY.";
      }
      return "";
    });
  }

  function check() {
    var card = h("div", { class: "card" }, A.skeleton(1));
    var body = { memberId: draft.patient.memberId, lines: draft.lines.map(function (l) { return { code: l.code, units: Number(l.units) }; }) };
    frame("check", [h("p", {}, "Is authorization needed for this service?"), card], null);
    A.call("POST", "/api/precheck", body).then(function (data) {
      var vendor = data.result === "Handled by Verity Review";
      frame("check", [h("div", { class: "card" }, A.facts([["Authorization", data.result, "status"]])),
        vendor ? h("p", {}, "Requests for this service are reviewed by Verity Review.") : null, vendor ? X.door(draft, "Continue to Verity Review", "primary") : null],
        vendor ? null : function () { return ""; });
    }).catch(A.broken);
  }

  function papers() {
    frame("w5", [S.documents(draft)], function () {
      return draft.type === "Inpatient" && !draft.documents.length ? "Inpatient requests need a document." : "";
    });
  }

  function questionnaire() {
    var holder = h("div", {});
    var open = h("button", { type: "button", onclick: function () {
      holder.replaceChildren(h("iframe", { title: "Questionnaire", class: "questions", src: "/questionnaire" }));
    } }, "Click to Complete Questionnaire");
    frame("w6", [h("p", {}, "A short questionnaire may lead to a decision at once. It is optional."), open, holder], function () { return ""; });
  }
  window.addEventListener("message", function (event) {
    if (event.origin !== location.origin || !event.data || event.data.kind !== "answered") return;
    document.querySelectorAll("iframe.questions").forEach(function (el) { el.replaceWith(h("p", { role: "status" }, "Questionnaire completed.")); });
  });

  function review(model) {
    var reference = A.input(draft.reference, { maxlength: "30" });
    reference.addEventListener("input", function () { draft.reference = reference.value; });
    var accurate = h("input", { type: "checkbox" });
    var provider = function (npi) { var p = A.settings.providers.filter(function (x) { return x.npi === npi; })[0]; return p ? p.name + " (" + npi + ")" : npi; };
    var summary = A.facts([
      ["Payer", A.settings.plans.filter(function (p) { return p.code === draft.plan; })[0].name], ["Request type", draft.type],
      ["Patient", draft.patient.name], ["Member ID", draft.patient.memberId], ["Date of birth", draft.patient.dob],
      ["Requesting provider", provider(draft.requesting)], ["Servicing provider", provider(draft.servicing)],
      ["Diagnoses", draft.diagnoses.map(function (d) { return d.code; }).join(", ")],
      ["Documents", draft.documents.map(function (d) { return d.name; }).join(", ") || "None"], ["Review", draft.expedited ? "Expedited" : "Standard"]
    ]);
    var rows = draft.lines.map(function (l) { return [l.code, l.text, l.units, l.from, l.to]; });
    var question = null;
    if (draft.question) {
      question = A.input(draft.answer, { required: true, "aria-required": "true" });
      question.addEventListener("input", function () { draft.answer = question.value; });
    }
    var submit = h("button", { type: "button", class: "primary", onclick: function () { send(accurate, alert, submit, model); } }, "Submit");
    var later = model.later && h("button", { type: "button", class: "primary", onclick: function () {
      A.call("POST", "/api/drafts", {}).then(function (data) { alert.textContent = data.message; alert.hidden = false; }).catch(A.broken);
    } }, "Submit later");
    var alert = frame("review", [summary, A.table(["Procedure", "Description", "Units", "From", "To"], rows),
      A.field("Provider reference", reference), question && A.field(draft.question + " *", question),
      h("label", { class: "tick" }, [accurate, "Information is accurate"]), h("div", { class: "row" }, [later, submit])], null);
  }

  function send(accurate, alert, button, model) {
    function say(words) { alert.textContent = words; alert.hidden = false; }
    if (draft.question && !draft.answer.trim()) { say(draft.question + " is required."); return; }
    if (!accurate.checked) { say("Confirm that the information is accurate."); return; }
    alert.hidden = true;
    button.disabled = true;
    button.textContent = "Submitting…";
    X.file(draft, model, {
      tell: A.tell, broken: function (words) { A.draw(null, [h("div", { class: "alert", role: "alert" }, words)]); },
      refused: function (words) { button.disabled = false; button.textContent = "Submit"; say(words); },
      filed: function (key) { draft = fresh(); location.hash = "#/auth/confirmation/" + key; }
    });
  }

  function confirmation(key) {
    A.draw(null, [A.skeleton(3)]);
    X.confirmation(key, function (data) {
      A.draw(null, [h("h2", {}, data.title), h("p", {}, data.text), A.facts([
        ["Certification/Reference Number", data.number], ["Status", data.status, "status"], ["Transaction ID", data.transaction]
      ]), h("div", { class: "row" }, [h("button", { type: "button", onclick: function () { window.print(); } }, "Print"),
        h("a", { href: "#/auth/dashboard" }, "Go to the dashboard")])]);
      if (data.toast) document.body.append(h("div", { class: "toast", role: "alert" }, data.toast));
    }, A.broken);
  }

  var drawers = { w1: first, w2: patient, w3: providers, w4: services, check: check, w5: papers, w6: questionnaire, review: review };
  A.page(/^#\/auth\/new$/, function () { draft = fresh(); show("w1"); });
  A.page(/^#\/auth\/confirmation\/(.+)$/, function (key) { confirmation(key); });
})();
