// Parts of the request wizard with a life of their own: the code field that only counts when an option is picked,
// service lines, and the list of documents.
(function () {
  "use strict";
  var A = window.App, h = A.h;

  // A field with suggestions. Typing chooses nothing: leaving the field without picking an option empties it.
  function codeField(kind, chosen, pick) {
    var list = h("ul", { class: "options", role: "listbox", hidden: true });
    var hint = h("div", { class: "hint" });
    var box = A.input(chosen, { role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list" });
    var timer = null, asked = 0, picked = chosen || "";
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
      A.call("GET", "/api/codes?kind=" + kind + "&q=" + encodeURIComponent(box.value)).then(function (data) {
        if (mine !== asked) return;
        list.replaceChildren.apply(list, data.codes.map(function (code) {
          return h("li", { role: "option", onmousedown: function (event) { event.preventDefault(); },
            onclick: function () { take(code); } }, code.code + " - " + code.text);
        }));
        list.hidden = data.codes.length === 0;
        box.setAttribute("aria-expanded", String(!list.hidden));
        hint.textContent = data.codes.length === 0 ? "No matches" : "";
      }).catch(function (error) { if (!A.silent(error)) hint.textContent = error.message; });
    }
    box.addEventListener("input", function () {
      picked = "";
      if (kind !== "diagnosis") pick(null);
      clearTimeout(timer);
      asked += 1;
      close();
      hint.textContent = "";
      if (box.value.trim().length >= 3) timer = setTimeout(ask, A.settings.typingMs);
    });
    box.addEventListener("blur", function () {
      clearTimeout(timer);
      asked += 1;
      close();
      if (!picked && box.value) { box.value = ""; hint.textContent = "Select a code from the list."; }
    });
    return { box: h("div", { class: "combo" }, [box, list]), hint: hint };
  }

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
    var part = codeField("diagnosis", "", function (code) {
      var known = draft.diagnoses.some(function (other) { return other.code === code.code; });
      if (!known && draft.diagnoses.length < 12) draft.diagnoses.push(code);
      draw();
    });
    draw();
    return h("div", {}, [A.field("Diagnosis", part.box, part.hint), chips]);
  }

  function lines(draft) {
    var holder = h("div", {});
    function one(line, place) {
      var start = line.code ? line.code + " - " + line.text : "";
      var code = codeField("procedure", start, function (picked) {
        line.code = picked ? picked.code : "";
        line.text = picked ? picked.text : "";
      });
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
    var xhr = new XMLHttpRequest();
    xhr.open("POST", "/api/uploads?name=" + encodeURIComponent(file.name));
    xhr.upload.onprogress = function (event) { if (event.lengthComputable) bar.value = Math.round(100 * event.loaded / event.total); };
    function refuse(words) { bar.remove(); state.textContent = words; state.className = "state alert"; }
    xhr.onerror = function () { refuse("The upload failed."); };
    xhr.onload = function () {
      var answer = {};
      try { answer = JSON.parse(xhr.responseText); } catch (e) { /* not ours: said below */ }
      if (xhr.status === 401) { A.tell({ kind: "signed-out" }); return; }
      if (xhr.status !== 200) { refuse(answer.userMessage || A.wentWrong()); return; }
      bar.value = 100;
      state.textContent = "Scanning…";
      function look() {
        A.call("GET", "/api/uploads/" + answer.id).then(function (scan) {
          state.textContent = scan.state;
          if (scan.state === "Ready") done(answer.id);
          else setTimeout(look, 500);
        }).catch(function (error) { if (error.kind === "network") setTimeout(look, 500); else refuse(error.message); });
      }
      setTimeout(look, answer.scanMs);
    };
    xhr.send(file);
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
