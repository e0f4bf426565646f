// Parts of the redesigned request with a life of their own: diagnoses, services, the list of files.
(function () {
  "use strict";
  var K = window.Kit, F = window.Frame, S = window.Shared, h = K.h;

  var LOOK = { list: ["div", "wk-offers"], item: "div", hint: ["p", "wk-hint"], box: "wk-combo", none: "Nothing fits", typingMs: K.settings.typingMs, silent: F.silent };

  function diagnoses(draft) {
    var chosen = h("div", { class: "wk-tags", role: "list", "aria-label": "Diagnoses chosen" });
    function draw() {
      chosen.replaceChildren.apply(chosen, draft.diagnoses.map(function (code, place) {
        return h("span", { role: "listitem" }, [code.code + " " + code.text + " ", h("button", {
          type: "button", "aria-label": "Take out " + code.code, onclick: function () { draft.diagnoses.splice(place, 1); draw(); }
        }, "✕")]);
      }));
    }
    var part = S.codeField("diagnosis", "", function (code) { S.addDiagnosis(draft, code); draw(); }, LOOK);
    draw();
    return h("div", { class: "wk-dx" }, [K.labelled("Diagnosis code", part.box, part.hint), chosen]);
  }

  function empty() { return { code: "", text: "", units: "", from: "", to: "" }; }
  function services(draft) {
    var holder = h("div", {});
    function one(line, place) {
      var code = S.codeField("procedure", line.code ? line.code + " - " + line.text : "", function (picked) {
        line.code = picked ? picked.code : "";
        line.text = picked ? picked.text : "";
      }, LOOK);
      function bound(name, el) {
        el.addEventListener("input", function () { line[name] = el.value.trim(); });
        return el;
      }
      var name = "Service " + (place + 1);
      return h("div", { class: "wk-card wk-service", role: "group", "aria-label": name }, [
        h("h3", {}, name),
        h("div", { class: "wk-set" }, [
          K.labelled("First day", bound("from", F.dateBox(line.from))), K.labelled("Last day", bound("to", F.dateBox(line.to))),
          K.labelled("Quantity", bound("units", K.input(line.units, { inputmode: "numeric" }))), K.labelled("Service code", code.box, code.hint)
        ]),
        draft.lines.length > 1 && K.button("Take out", function () { draft.lines.splice(place, 1); draw(); })
      ]);
    }
    function draw() { holder.replaceChildren.apply(holder, draft.lines.map(one)); }
    draw();
    return h("div", {}, [holder, K.button("Add another service", function () {
      if (draft.lines.length < 10) { draft.lines.push(empty()); draw(); }
    })]);
  }

  // Sends one file and follows its scan; `done` gets the id when it is ready.
  function send(file, row, done) {
    var bar = h("progress", { max: 100, value: 0, "aria-label": "Sent so far" }), state = h("em", {}, "Uploading…");
    row.append(h("b", {}, file.name), bar, state);
    S.sendFile(file, {
      bar: bar, done: done, state: function (words) { state.textContent = words; },
      refuse: function (words) { bar.remove(); state.textContent = words; state.className = "wk-warn"; }
    }, F.tell);
  }

  function files(draft) {
    var list = h("ol", { class: "wk-files", "aria-label": "Files of this request" });
    function add(chosen) {
      Array.prototype.forEach.call(chosen, function (file) {
        var row = h("li", {});
        list.append(row);
        send(file, row, function (id) {
          var kept = { id: id, name: file.name };
          draft.documents.push(kept);
          row.append(K.button("Take out", function () {
            K.call("DELETE", "/api/uploads/" + id + "/remove").catch(function () {});
            draft.documents.splice(draft.documents.indexOf(kept), 1);
            row.remove();
          }));
        });
      });
    }
    draft.documents.forEach(function (kept) { list.append(h("li", {}, [h("b", {}, kept.name), h("em", {}, "Ready")])); });
    var file = h("input", { type: "file", multiple: true });
    file.addEventListener("change", function () { add(file.files); file.value = ""; });
    var drop = h("div", { class: "wk-drop" }, [K.labelled("Choose files", file), h("p", {}, "or drop them here. At most 10 files of 60 MB: pdf, office documents, text, pictures.")]);
    drop.addEventListener("dragover", function (event) { event.preventDefault(); });
    drop.addEventListener("drop", function (event) { event.preventDefault(); add(event.dataTransfer.files); });
    return h("div", {}, [drop, list]);
  }

  window.Parts = { diagnoses: diagnoses, services: services, files: files, empty: empty };
})();
