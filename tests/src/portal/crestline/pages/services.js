// Parts of the request wizard with a life of their own: diagnoses, service lines, and the list of documents.
(function () {
  "use strict";
  var A = window.App, S = window.Shared, h = A.h;

  var LOOK = { list: ["ul", "options"], item: "li", hint: ["div", "hint"], box: "combo", none: "No matches", typingMs: A.settings.typingMs, silent: A.silent };

  function diagnoses(draft) {
    var chips = h("ul", { class: "chips", "aria-label": "Diagnoses" });
    function draw() {
      chips.replaceChildren.apply(chips, draft.diagnoses.map(function (code, place) {
        return h("li", {}, [code.code + " " + code.text + " ", h("button", {
          type: "button", "aria-label": "Remove " + code.code,
          onclick: function () { draft.diagnoses.splice(place, 1); draw(); }
        }, "×")]);
      }));
    }
    var part = S.codeField("diagnosis", "", function (code) { S.addDiagnosis(draft, code); draw(); }, LOOK);
    draw();
    return h("div", {}, [A.field("Diagnosis", part.box, part.hint), chips]);
  }

  function lines(draft) {
    var holder = h("div", {});
    function one(line, place) {
      var start = line.code ? line.code + " - " + line.text : "";
      var code = S.codeField("procedure", start, function (picked) {
        line.code = picked ? picked.code : "";
        line.text = picked ? picked.text : "";
      }, LOOK);
      function bound(name, more) {
        var el = A.input(line[name], more);
        el.addEventListener("input", function () { line[name] = el.value.trim(); });
        return el;
      }
      var remove = draft.lines.length > 1 && h("button", { type: "button", onclick: function () {
        draft.lines.splice(place, 1); draw();
      } }, "Remove line");
      return h("fieldset", {}, [h("legend", {}, "Service line " + (place + 1)), h("div", { class: "line" }, [
        A.field("Procedure", code.box, code.hint), A.field("Units", bound("units", { inputmode: "numeric" })),
        A.field("From", bound("from", { placeholder: "MM/DD/YYYY" })), A.field("To", bound("to", { placeholder: "MM/DD/YYYY" }))
      ]), remove]);
    }
    function draw() { holder.replaceChildren.apply(holder, draft.lines.map(one)); }
    draw();
    var add = h("button", { type: "button", onclick: function () {
      if (draft.lines.length < 10) { draft.lines.push({ code: "", text: "", units: "", from: "", to: "" }); draw(); }
    } }, "Add line");
    return h("div", {}, [holder, add]);
  }

  // Sends one file and follows its scan; `done` gets the id when it is ready.
  function send(file, row, done) {
    var bar = h("progress", { max: 100, value: 0, "aria-label": "Upload progress" });
    var state = h("span", { class: "state" }, "Uploading…");
    row.append(h("span", {}, file.name), bar, state);
    S.sendFile(file, {
      bar: bar, done: done, state: function (words) { state.textContent = words; },
      refuse: function (words) { bar.remove(); state.textContent = words; state.className = "state alert"; }
    }, A.tell);
  }

  function documents(draft) {
    var list = h("ul", { class: "files", "aria-label": "Files" });
    function add(files) {
      Array.prototype.forEach.call(files, function (file) {
        var row = h("li", {});
        var kept = null;
        list.append(row);
        send(file, row, function (id) {
          kept = { id: id, name: file.name };
          draft.documents.push(kept);
          row.append(h("button", { type: "button", onclick: function () {
            A.call("DELETE", "/api/uploads/" + id + "/remove").catch(function () {});
            draft.documents.splice(draft.documents.indexOf(kept), 1);
            row.remove();
          } }, "Remove"));
        });
      });
    }
    draft.documents.forEach(function (kept) {
      list.append(h("li", {}, [h("span", {}, kept.name), h("span", {}, ""), h("span", { class: "state" }, "Ready")]));
    });
    var file = h("input", { type: "file", multiple: true, id: "browse" + Date.now() });
    file.addEventListener("change", function () { add(file.files); file.value = ""; });
    var drop = h("div", { class: "drop" }, ["Drop files here or ", h("label", { for: file.id }, "browse"), file,
      h("p", { class: "small" }, "Up to 10 files, 60 MB each: pdf, office documents, text, pictures.")]);
    drop.addEventListener("dragover", function (event) { event.preventDefault(); drop.classList.add("over"); });
    drop.addEventListener("dragleave", function () { drop.classList.remove("over"); });
    drop.addEventListener("drop", function (event) {
      event.preventDefault();
      drop.classList.remove("over");
      add(event.dataTransfer.files);
    });
    return h("div", {}, [drop, list]);
  }

  window.Services = { diagnoses: diagnoses, lines: lines, documents: documents };
})();
