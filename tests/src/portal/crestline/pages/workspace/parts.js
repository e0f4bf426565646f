// Parts of the redesigned request with a life of their own: the code field, services, the list of files.
(function () {
  "use strict";
  var K = window.Kit, F = window.Frame, h = K.h;

  // A field with suggestions. Typing chooses nothing: leaving it without picking one empties it.
  function codeField(kind, start, pick) {
    var list = h("div", { class: "wk-offers", role: "listbox", hidden: true });
    var hint = h("p", { class: "wk-hint" });
    var box = K.input(start, { role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list" });
    var timer = null, asked = 0, picked = start || "";
    function close() { list.hidden = true; box.setAttribute("aria-expanded", "false"); }
    function take(code) {
      picked = code.code;
      box.value = kind === "diagnosis" ? "" : code.code + " - " + code.text;
      hint.textContent = "";
      close();
      pick(code);
    }
    function ask() {
      var mine = asked += 1;
      K.call("GET", "/api/codes?kind=" + kind + "&q=" + encodeURIComponent(box.value)).then(function (data) {
        if (mine !== asked) return;
        list.replaceChildren.apply(list, data.codes.map(function (code) {
          return h("div", { role: "option", onmousedown: function (event) { event.preventDefault(); }, onclick: function () { take(code); } },
            code.code + " - " + code.text);
        }));
        list.hidden = data.codes.length === 0;
        box.setAttribute("aria-expanded", String(!list.hidden));
        hint.textContent = data.codes.length === 0 ? "Nothing fits" : "";
      }).catch(function (error) { if (!F.silent(error)) hint.textContent = error.message; });
    }
    box.addEventListener("input", function () {
      picked = "";
      if (kind !== "diagnosis") pick(null);
      clearTimeout(timer);
      asked += 1;
      close();
      hint.textContent = "";
      if (box.value.trim().length >= 3) timer = setTimeout(ask, K.settings.typingMs);
    });
    box.addEventListener("blur", function () {
      clearTimeout(timer);
      asked += 1;
      close();
      if (!picked && box.value) { box.value = ""; hint.textContent = "Select a code from the list."; }
    });
    return { box: h("div", { class: "wk-combo" }, [box, list]), hint: hint };
  }

  function diagnoses(draft) {
    var chosen = h("div", { class: "wk-tags", role: "list", "aria-label": "Diagnoses chosen" });
    function draw() {
      chosen.replaceChildren.apply(chosen, draft.diagnoses.map(function (code, place) {
        return h("span", { role: "listitem" }, [code.code + " " + code.text + " ", h("button", {
          type: "button", "aria-label": "Take out " + code.code, onclick: function () { draft.diagnoses.splice(place, 1); draw(); }
        }, "✕")]);
      }));
    }
    var part = codeField("diagnosis", "", function (code) {
      var known = draft.diagnoses.some(function (other) { return other.code === code.code; });
      if (!known && draft.diagnoses.length < 12) draft.diagnoses.push(code);
      draw();
    });
    draw();
    return h("div", { class: "wk-dx" }, [K.labelled("Diagnosis code", part.box, part.hint), chosen]);
  }

  function empty() { return { code: "", text: "", units: "", from: "", to: "" }; }
  function services(draft) {
    var holder = h("div", {});
    function one(line, place) {
      var code = codeField("procedure", line.code ? line.code + " - " + line.text : "", function (picked) {
        line.code = picked ? picked.code : "";
        line.text = picked ? picked.text : "";
      });
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
    var xhr = new XMLHttpRequest();
    xhr.open("POST", "/api/uploads?name=" + encodeURIComponent(file.name));
    xhr.upload.onprogress = function (event) { if (event.lengthComputable) bar.value = Math.round(100 * event.loaded / event.total); };
    function refuse(words) { bar.remove(); state.textContent = words; state.className = "wk-warn"; }
    xhr.onerror = function () { refuse("The upload failed."); };
    xhr.onload = function () {
      var answer = {};
      try { answer = JSON.parse(xhr.responseText); } catch (e) { /* not ours: said below */ }
      if (xhr.status === 401) { F.tell({ kind: "signed-out" }); return; }
      if (xhr.status !== 200) { refuse(answer.userMessage || K.wentWrong()); return; }
      bar.value = 100;
      state.textContent = "Scanning…";
      function look() {
        K.call("GET", "/api/uploads/" + answer.id).then(function (scan) {
          state.textContent = scan.state;
          if (scan.state === "Ready") done(answer.id); else setTimeout(look, 500);
        }).catch(function (error) { if (error.kind === "network") setTimeout(look, 500); else if (!F.silent(error)) refuse(error.message); });
      }
      setTimeout(look, answer.scanMs);
    };
    xhr.send(file);
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
