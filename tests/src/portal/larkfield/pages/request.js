// The pre-check and the pages of a request: member, dates, services (services.js), documents, review and the submit.
(function () {
  "use strict";
  var C = window.Core, K = window.Kit, h = C.h, alertBox = C.alertBox;
  var STEPS = ["Member", "Dates", "Services", "Clinical documents", "Review"];
  var VIEWS = ["r1", "r2", "r3", "r4", "review"];

  function fresh() {
    return { step: 0, member: null, from: "", to: "", place: "", servicing: null, diagnoses: [], lines: [],
      urgency: "", urgentReason: "", decision: "", documents: [], busy: 0, yourReference: "", note: "", answer: "" };
  }
  var draft = fresh();

  // Looks for a member and gives the one that was selected.
  function memberSearch(reordered, chosen) {
    var idBox = C.input(), last = C.input(), first = C.input(), dob = C.input("", { placeholder: "MM/DD/YYYY" });
    var alert = alertBox(), found = h("div", { "aria-live": "polite" });
    function select(row) {
      return K.button("Select", function () {
        C.call("POST", "/api/member", { ref: row.ref }).then(chosen).catch(alert.tell);
      });
    }
    var COLUMNS = [["name", "Name"], ["dob", "Date of birth"], ["maskedId", "Member ID"], ["relation", "Relation"], ["coverage", "Coverage"], ["act", "Action"]];
    function rows(list, below) {
      return list.map(function (row) {
        var act = [select(row)];
        if (row.dependents && row.dependents.length) {
          act.push(" ", K.button("Show dependents", function () {
            below.replaceChildren(K.table("Dependents of " + row.name, COLUMNS, rows(row.dependents, below)));
          }));
        }
        return Object.assign({}, row, { act: h("span", {}, act) });
      });
    }
    function draw(list) {
      var below = h("div");
      found.replaceChildren(K.table("Members", COLUMNS, rows(list, below)), below);
    }
    function find() {
      alert.say("");
      found.replaceChildren();
      C.call("GET", "/api/members?" + C.query({ id: idBox.value, last: last.value, first: first.value, dob: dob.value })).then(function (answer) {
        if (answer.message) { alert.say(answer.message); return; }
        if (answer.stale) { draw(answer.stale); setTimeout(function () { draw(answer.rows); }, 400); } else draw(answer.rows);
      }).catch(alert.tell);
    }
    var fields = [K.field("Member ID", idBox), h("p", { class: "or" }, "or"), K.field("Last name", last), K.field("First name", first), K.field("Date of birth", dob)];
    fields = K.order(fields);
    if (reordered) fields.reverse();
    return h("section", { class: "card", "aria-label": "Find a member" }, [
      h("form", { onsubmit: function (event) { event.preventDefault(); find(); } }, [h("div", { class: "grid" }, fields), K.button("Find member", null, { type: "submit" })]),
      alert, found]);
  }

  function who(member) {
    return K.facts([["Member", member.name], ["Member ID", member.memberId], ["Date of birth", member.dob], ["Relation", member.relation]]);
  }

  function precheck() {
    App.view("precheck_form").then(function (view) {
      var member = null, result = h("div", { "aria-live": "polite" }), alert = alertBox(), checked = null;
      var codes = Services.codes([], "diagnosis", 10, changed), procedures = Services.codes([], "procedure", 14, changed);
      var date = K.date("Date of service", "date", ""), place = K.choice("Place of service", Services.PLACES);
      var chosen = h("div");
      function changed() {
        if (!checked) return;
        checked = null;
        result.replaceChildren(h("div", { class: "alert", role: "alert" }, "Decision no longer matches"));
      }
      date.addEventListener("change", changed);
      var search = memberSearch(view.reordered, function (found) { member = found; search.hidden = true; chosen.replaceChildren(who(found)); changed(); });
      function check() {
        alert.say("");
        if (!member) { alert.say("Find the member first."); return; }
        var asked = { ref: member.ref, diagnoses: codes.list(), codes: procedures.list(), from: date.value, place: place.value };
        C.call("POST", "/api/precheck", asked).then(function (answer) {
          checked = answer;
          var request = K.button("Start a request", function () {
            draft = fresh();
            Object.assign(draft, { member: member, decision: answer.decision, place: asked.place, from: asked.from, to: asked.from });
            App.go("/app/request");
          });
          result.replaceChildren(h("section", { class: "card", "aria-label": "Result" }, [
            h("h2", {}, "Result"), K.facts([["Answer", answer.result], ["Decision ID", answer.decision]]),
            h("p", { class: "small" }, "A Decision ID is not an authorization."), answer.result === "Prior authorization required" ? request : null]));
        }).catch(alert.tell);
      }
      App.draw([K.heading("Pre-check"), h("p", {}, "Find out whether a service needs prior authorization before you ask for it."),
        chosen, search,
        h("section", { class: "card", "aria-label": "Service" }, [
          K.field("Diagnosis code", codes.box), codes.el, K.field("Procedure code", procedures.box), procedures.el,
          h("div", { class: "grid" }, [date, place.el]), alert, h("div", { class: "row" }, K.button("Check", check, { class: "primary" }))]),
        result], view);
    }).catch(App.broken);
  }

  function draw(view, panel) { App.draw([K.heading("New prior authorization request")].concat(K.steps(STEPS, draft.step, panel, show)), view); }
  function bar(alert, go, more) {
    var back = draft.step > 0 ? K.button("Back", function () { show(draft.step - 1); }) : null;
    return [alert, h("div", { class: "row" }, [back, go, more])];
  }
  function show(step) {
    draft.step = step;
    App.view(VIEWS[step]).then(function (view) { [r1, r2, r3, r4, review][step](view); }).catch(App.broken);
  }

  function r1(view) {
    var alert = alertBox();
    var go = K.button("Continue", function () { show(1); }, { class: "primary", disabled: !draft.member });
    var chosen = h("div");
    function take(member) {
      draft.member = member;
      search.hidden = true;
      go.disabled = false;
      chosen.replaceChildren(h("h2", {}, "Selected member"), who(member), K.button("Change member", function () {
        draft.member = null; go.disabled = true; search.hidden = false; chosen.replaceChildren();
      }));
    }
    var search = memberSearch(view.reordered, take);
    if (draft.member) take(draft.member);
    draw(view, h("section", {}, [chosen, search].concat(bar(alert, go))));
  }

  function r2(view) {
    var alert = alertBox(), from = K.date("Service from", "from", draft.from), to = K.date("Service to", "to", draft.to);
    var go = K.button("Continue", function () {
      alert.say("");
      draft.from = from.value;
      draft.to = to.value;
      C.call("POST", "/api/dates", { ref: draft.member.ref, from: draft.from, to: draft.to }).then(function () { show(2); }).catch(alert.tell);
    }, { class: "primary" });
    draw(view, h("section", { class: "card", "aria-label": "Dates of service" }, [h("div", { class: "grid" }, [from, to])].concat(bar(alert, go))));
  }

  function r3(view) {
    var alert = alertBox(), form = Services.form(draft, alert);
    var go = K.button("Continue", function () {
      alert.say("");
      form.keep();
      var asked = Object.assign({ ref: draft.member.ref, from: draft.from }, Services.body(draft));
      C.call("POST", "/api/services", asked).then(function () { show(3); }).catch(alert.tell);
    }, { class: "primary" });
    draw(view, h("section", {}, [form.el].concat(bar(alert, go))));
  }

  function r4(view) {
    var alert = alertBox();
    var go = K.button("Continue", function () { show(4); }, { class: "primary", disabled: draft.busy > 0 });
    function send(file, box, done) {
      alert.say("");
      draft.busy += 1;
      go.disabled = true;
      C.call("POST", "/api/uploads?" + C.query({ name: file.name }), undefined, file).then(function (answer) {
        if (answer.never) return;
        setTimeout(function () {
          draft.documents.push(answer);
          draft.busy -= 1;
          done(box);
          go.disabled = draft.busy > 0;
        }, C.settings.ringMs);
      }).catch(function (error) {
        draft.busy -= 1;
        go.disabled = draft.busy > 0;
        box.remove();
        alert.tell(error);
      });
    }
    var tile = K.upload(draft.documents, send);
    draw(view, h("section", { class: "card", "aria-label": "Clinical documents" }, [
      h("p", {}, "Add up to 6 documents (PDF, TIF or JPG, 20 MB each)."), tile].concat(bar(alert, go))));
  }

  function summary() {
    return K.facts([
      ["Member", draft.member.name], ["Member ID", draft.member.memberId], ["Date of birth", draft.member.dob],
      ["Requesting provider", App.acting.name + ", NPI " + App.acting.npi], ["TIN", App.acting.tin],
      ["Servicing provider", draft.servicing ? draft.servicing.name + ", NPI " + draft.servicing.npi : ""],
      ["Service dates", C.usDate(draft.from) + " to " + C.usDate(draft.to)], ["Place of service", draft.place],
      ["Diagnoses", draft.diagnoses.join(", ")], ["Urgency", draft.urgency === "urgent" ? "Urgent" : "Standard"],
      ["Decision ID", draft.decision], ["Documents", draft.documents.map(function (d) { return d.name; }).join(", ")]
    ]);
  }
  function review(view) {
    var alert = alertBox();
    var reference = C.input(draft.yourReference, { maxlength: "30" }), question = C.input(draft.answer, { required: true, "aria-required": "true" });
    var note = K.extraField ? C.input(draft.note) : null;
    var lines = K.table("Service lines", Services.COLUMNS, Services.rows(draft.lines));
    var go = K.button("Submit request", function () {
      alert.say("");
      draft.yourReference = reference.value;
      draft.answer = question.value;
      var body = Object.assign({
        ref: draft.member.ref, from: draft.from, to: draft.to, uploads: draft.documents.map(function (d) { return d.id; }),
        yourReference: draft.yourReference, answer: draft.answer
      }, Services.body(draft));
      go.disabled = true;
      var sent = [];
      for (var i = 0; i < view.sends; i += 1) sent.push(post(body, view.repeats));
      Promise.any(sent).then(function (answer) {
        if (view.resends) sessionStorage.setItem("lf.last", JSON.stringify(body));
        draft = fresh();
        App.go("/app/requests/" + answer.number, { result: true, toast: answer.toast });
      }).catch(function (errors) { go.disabled = false; alert.tell(errors.errors[0]); });
    }, { class: "primary" });
    function post(body, again) {
      return C.call("POST", "/api/requests", body).catch(function (error) {
        if (error.kind === "failed" && again > 0) return post(body, again - 1);
        throw error;
      });
    }
    function later() { C.call("POST", "/api/drafts", {}).then(function (answer) { alert.say(answer.message); }).catch(alert.tell); }
    var decoy = view.decoy ? K.button("Submit requests later", later) : K.decoy ? K.button(K.decoy, later) : null;
    draw(view, h("section", { class: "card", "aria-label": "Review" }, [
      h("h2", {}, "Check before you send"), summary(), lines, K.field("Your reference", reference),
      note ? K.field(K.extraField, note) : null, view.question ? K.field(view.question, question) : null
    ].concat(bar(alert, go, decoy))));
  }

  window.Request = {
    precheck: precheck,
    open: function () { show(draft.step); },
    restart: function () { draft = fresh(); }
  };
})();
