// The services page of a request: place, servicing provider, diagnoses, lines, urgency; code lists are shared with the
// pre-check.
(function () {
  "use strict";
  var C = window.Core, K = window.Kit, h = C.h;
  var PLACES = ["Inpatient hospital", "Outpatient", "Referral to specialist"];
  var COLUMNS = [["line", "Line"], ["code", "Code"], ["text", "Description"], ["modifiers", "Modifiers"], ["units", "Units"], ["act", "Action"]];

  function rows(lines, remove) {
    return lines.map(function (line, i) {
      return {
        line: String(i + 1), code: line.code, text: line.text, modifiers: line.modifiers, units: String(line.units),
        act: remove ? K.button("Remove", function () { remove(i); }) : ""
      };
    });
  }

  // A box for a code, a button that adds it when there is such a code, and what was added.
  function codes(list, kind, most, changed) {
    var box = C.input(), alert = C.alertBox(), chips = h("ul", { class: "chips" });
    function draw() {
      chips.replaceChildren.apply(chips, list.map(function (code, i) {
        return h("li", {}, [code + " ", h("button", {
          type: "button", "aria-label": "Remove " + code, onclick: function () { list.splice(i, 1); draw(); changed(); }
        }, "\u00d7")]);
      }));
    }
    function take() {
      alert.say("");
      if (list.length >= most) { alert.say("No more than " + most + " codes."); return; }
      C.call("GET", "/api/codes?" + C.query({ kind: kind, code: box.value })).then(function (found) {
        if (list.indexOf(found.code) < 0) list.push(found.code);
        box.value = "";
        draw();
        changed();
      }).catch(alert.tell);
    }
    draw();
    var add = K.button(kind === "diagnosis" ? "Add diagnosis" : "Add procedure", take);
    return { box: box, el: h("div", { class: "under" }, [add, alert, chips]), list: function () { return list.slice(); } };
  }

  function form(draft, alert) {
    var place = K.choice("Place of service", PLACES, draft.place);
    var npi = C.input(draft.servicing ? draft.servicing.npi : "", { inputmode: "numeric", maxlength: "10" });
    var name = h("p", { class: "found", "aria-live": "polite" });
    function servicing(found) { draft.servicing = found; name.textContent = found ? found.name + ", NPI " + found.npi : ""; }
    servicing(draft.servicing);
    npi.addEventListener("input", function () { servicing(null); });
    var diagnoses = codes(draft.diagnoses, "diagnosis", 12, function () {});
    var procedure = C.input(), units = C.input("", { inputmode: "numeric" }), modifiers = C.input("", { maxlength: "8" });
    var lines = h("div", { "aria-live": "polite" });
    function drawLines() {
      lines.replaceChildren(K.table("Service lines", COLUMNS, rows(draft.lines, function (i) { draft.lines.splice(i, 1); drawLines(); })));
    }
    drawLines();
    var reason = h("textarea", { placeholder: "Why can this not wait?", rows: "3", hidden: draft.urgency !== "urgent" });
    reason.value = draft.urgentReason;
    var group = "u" + C.id();
    var urgency = [["standard", "Standard"], ["urgent", "Urgent"]].map(function (one) {
      var radio = h("input", { type: "radio", name: group, value: one[0], onchange: function () { draft.urgency = one[0]; reason.hidden = one[0] !== "urgent"; } });
      radio.checked = draft.urgency === one[0];
      return h("label", { class: "tick" }, [radio, " " + one[1]]);
    });
    var decision = C.input(draft.decision);
    function findProvider() {
      alert.say("");
      C.call("GET", "/api/providers?" + C.query({ npi: npi.value })).then(servicing).catch(alert.tell);
    }
    function addLine() {
      alert.say("");
      var count = Number(units.value);
      if (!Number.isInteger(count) || count < 1 || count > 999) { alert.say("Units are between 1 and 999."); return; }
      C.call("GET", "/api/codes?" + C.query({ kind: "procedure", code: procedure.value })).then(function (found) {
        draft.lines.push({ code: found.code, text: found.text, units: count, modifiers: modifiers.value.trim().toUpperCase() });
        procedure.value = units.value = modifiers.value = "";
        drawLines();
      }).catch(alert.tell);
    }
    var el = h("div", {}, [
      h("section", { class: "card", "aria-label": "Provider and place" }, [
        place.el, h("div", { class: "pair" }, [K.field("Servicing provider NPI", npi), K.button("Find provider", findProvider)]), name]),
      h("section", { class: "card", "aria-label": "Diagnoses" }, [K.field("Diagnosis code", diagnoses.box), diagnoses.el]),
      h("section", { class: "card", "aria-label": "Services" }, [
        // Words above two of the fields are not connected to them.
        h("div", { class: "line" }, [K.field("Procedure code", procedure), K.field("Units", units, true), K.field("Modifiers", modifiers, true), K.button("Add line", addLine)]),
        lines]),
      h("section", { class: "card" }, [
        h("fieldset", {}, [h("legend", {}, "Urgency")].concat(urgency)), reason,
        K.field(C.settings.decisionNeeded ? "Decision ID" : "Decision ID (optional)", decision)])
    ]);
    return { el: el, keep: function () { draft.place = place.value; draft.urgentReason = reason.value; draft.decision = decision.value.trim(); } };
  }

  function body(draft) {
    return {
      place: draft.place, servicingNpi: draft.servicing ? draft.servicing.npi : "", diagnoses: draft.diagnoses,
      lines: draft.lines.map(function (line) { return { code: line.code, units: line.units, modifiers: line.modifiers }; }),
      urgency: draft.urgency, urgentReason: draft.urgentReason, decision: draft.decision
    };
  }

  window.Services = { PLACES: PLACES, COLUMNS: COLUMNS.slice(0, 5), rows: rows, codes: codes, form: form, body: body };
})();
