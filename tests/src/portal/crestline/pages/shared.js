// What both renderings share: elements, calls to the server, the code field that counts only when an option is picked,
// files on their way with their scan, and the one write of a request. How these look is decided by who uses them.
(function () {
  "use strict";

  function h(tag, given, inside) {
    var el = document.createElement(tag);
    Object.keys(given || {}).forEach(function (key) {
      var value = given[key];
      if (typeof value === "function") el.addEventListener(key.slice(2), value);
      else if (value === true) el.setAttribute(key, "");
      else if (value !== false && value !== null && value !== undefined) el.setAttribute(key, value);
    });
    [].concat(inside === undefined ? [] : inside).forEach(function (one) {
      if (one !== null && one !== undefined && one !== false) el.append(one);
    });
    return el;
  }
  function wentWrong() {
    return "Something went wrong. Reference " + (crypto.randomUUID ? crypto.randomUUID() : String(Date.now())) + ".";
  }
  function problem(words, kind) { var e = new Error(words); e.kind = kind; return e; }
  function input(value, more) {
    var el = h("input", Object.assign({ type: "text", autocomplete: "off" }, more || {}));
    el.value = value || "";
    return el;
  }
  function select(options, value, empty) {
    var el = h("select", {}, [h("option", { value: "" }, empty)].concat(options.map(function (o) {
      return h("option", { value: o[0] }, o[1]);
    })));
    el.value = value || "";
    return el;
  }

  // One call; an error's kind is: out, confirm, page (another page took this one's place), network, refused (words to
  // show at the form), failed (nobody knows what happened).
  function call(method, path, body) {
    var init = { method: method, headers: { accept: "application/json" } };
    if (body !== undefined) { init.headers["content-type"] = "application/json"; init.body = JSON.stringify(body); }
    return fetch(path, init).catch(function () { throw problem(wentWrong(), "network"); }).then(function (answer) {
      var json = (answer.headers.get("content-type") || "").indexOf("json") >= 0;
      if (answer.status === 401) throw problem("", "out");
      if (answer.ok && !json) {
        return answer.text().then(function (html) { document.documentElement.innerHTML = html; throw problem("", "page"); });
      }
      if (!json) throw problem(wentWrong(), "failed");
      return answer.json().catch(function () { throw problem(wentWrong(), "failed"); }).then(function (value) {
        if (answer.ok) return value;
        if (answer.status === 403 && value.reasonCode === "CONFIRM") throw problem("", "confirm");
        var known = [404, 410, 422].indexOf(answer.status) >= 0;
        throw problem(value.userMessage || wentWrong(), known ? "refused" : "failed");
      });
    });
  }
  // For the application inside the frame: what leads to the hub around it; true if nothing is left to say about it.
  function silent(tell, error) {
    if (error.kind === "out") tell({ kind: "signed-out" });
    if (error.kind === "confirm") tell({ kind: "confirm" });
    return error.kind === "out" || error.kind === "confirm" || error.kind === "page";
  }

  // Sentences and files a page holds without anybody having asked; true if it was one of these.
  function unasked(what) {
    if (what.kind === "text") document.body.append(h("p", {}, [what.text + " ", h("a", { href: what.link }, "Continue here")]));
    else if (what.kind === "files") what.files.forEach(function (file) { document.body.append(h("iframe", { hidden: true, title: "", src: file })); });
    else return false;
    return true;
  }

  // A field with suggestions. Typing chooses nothing: leaving the field without picking an option empties it.
  // `look`: list, item and hint as [tag, class], box (class), none (words), typingMs, silent.
  function codeField(kind, start, pick, look) {
    var list = h(look.list[0], { class: look.list[1], role: "listbox", hidden: true });
    var hint = h(look.hint[0], { class: look.hint[1] });
    var box = input(start, { role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list" });
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
      call("GET", "/api/codes?kind=" + kind + "&q=" + encodeURIComponent(box.value)).then(function (data) {
        if (mine !== asked) return;
        list.replaceChildren.apply(list, data.codes.map(function (code) {
          return h(look.item, { role: "option", onmousedown: function (event) { event.preventDefault(); },
            onclick: function () { take(code); } }, code.code + " - " + code.text);
        }));
        list.hidden = data.codes.length === 0;
        box.setAttribute("aria-expanded", String(!list.hidden));
        hint.textContent = data.codes.length === 0 ? look.none : "";
      }).catch(function (error) { if (!look.silent(error)) hint.textContent = error.message; });
    }
    box.addEventListener("input", function () {
      picked = "";
      if (kind !== "diagnosis") pick(null);
      clearTimeout(timer);
      asked += 1;
      close();
      hint.textContent = "";
      if (box.value.trim().length >= 3) timer = setTimeout(ask, look.typingMs);
    });
    box.addEventListener("blur", function () {
      clearTimeout(timer);
      asked += 1;
      close();
      if (!picked && box.value) { box.value = ""; hint.textContent = "Select a code from the list."; }
    });
    return { box: h("div", { class: look.box }, [box, list]), hint: hint };
  }

  // A diagnosis that was picked joins the others of a draft, up to twelve.
  function addDiagnosis(draft, code) {
    var known = draft.diagnoses.some(function (other) { return other.code === code.code; });
    if (!known && draft.diagnoses.length < 12) draft.diagnoses.push(code);
  }

  // Sends one file and follows its scan. `show` has bar, state(words), refuse(words) and done(id); `tell` reaches the hub.
  function sendFile(file, show, tell) {
    var xhr = new XMLHttpRequest();
    xhr.open("POST", "/api/uploads?name=" + encodeURIComponent(file.name));
    xhr.upload.onprogress = function (event) { if (event.lengthComputable) show.bar.value = Math.round(100 * event.loaded / event.total); };
    xhr.onerror = function () { show.refuse("The upload failed."); };
    xhr.onload = function () {
      var answer = {};
      try { answer = JSON.parse(xhr.responseText); } catch (e) { /* not ours: said below */ }
      if (xhr.status === 401) { tell({ kind: "signed-out" }); return; }
      if (xhr.status !== 200) { show.refuse(answer.userMessage || wentWrong()); return; }
      show.bar.value = 100;
      show.state("Scanning…");
      function look() {
        call("GET", "/api/uploads/" + answer.id).then(function (scan) {
          show.state(scan.state);
          if (scan.state === "Ready") show.done(answer.id);
          else setTimeout(look, 500);
        }).catch(function (error) {
          if (error.kind === "network") setTimeout(look, 500);
          else if (!silent(tell, error)) show.refuse(error.message);
        });
      }
      setTimeout(look, answer.scanMs);
    };
    xhr.send(file);
  }

  function body(draft) {
    return JSON.stringify({
      plan: draft.plan, requestType: draft.type, memberId: draft.patient.memberId, requestingNpi: draft.requesting,
      servicingNpi: draft.servicing, diagnoses: draft.diagnoses.map(function (d) { return d.code; }),
      lines: draft.lines.map(function (l) { return { code: l.code, units: Number(l.units), from: l.from, to: l.to }; }),
      expedited: draft.expedited, documents: draft.documents.map(function (d) { return d.id; }),
      providerReference: draft.reference.trim(), accurate: true, answer: draft.answer
    });
  }
  // Writes a request, as often as the step's answer says. `show`: filed(key), refused(words), broken(words), tell(message).
  function file(draft, model, show) {
    var text = body(draft);
    function write(repeats) {
      var xhr = new XMLHttpRequest();
      xhr.open("POST", "/api/service-reviews");
      xhr.setRequestHeader("content-type", "application/json");
      function again() {
        if (repeats > 0) setTimeout(function () { write(repeats - 1); }, 200);
        return repeats > 0;
      }
      function lost() { if (!again()) show.broken(wentWrong()); }
      xhr.onerror = lost;
      xhr.onload = function () {
        if (xhr.status >= 500 && again()) return;
        var answer = null;
        try { answer = JSON.parse(xhr.responseText); } catch (e) { /* not ours: said below */ }
        if (xhr.status === 401) { show.tell({ kind: "signed-out" }); return; }
        if (xhr.status === 201 && answer) {
          if (model.resends) sessionStorage.setItem("cc.last", text);
          show.filed(answer.key);
        } else if (xhr.status === 422 && answer) show.refused(answer.userMessage);
        else if (xhr.status === 200 && !answer) document.documentElement.innerHTML = xhr.responseText;
        else if (answer && answer.userMessage) show.broken(answer.userMessage);
        else lost();
      };
      xhr.send(text);
    }
    for (var sent = 0; sent < model.sends; sent += 1) write(model.repeats);
  }
  // A page that is loaded anew can send its last request again.
  (function () {
    var last = sessionStorage.getItem("cc.last");
    if (!last || location.pathname !== "/app") return;
    sessionStorage.removeItem("cc.last");
    fetch("/api/service-reviews", { method: "POST", headers: { "content-type": "application/json" }, body: last }).catch(function () {});
  })();

  // The way on to the company that reviews: a form of its own that takes the place of the whole window.
  function door(draft, words, className) {
    return h("form", { method: "post", action: "/vendor", target: "_top" }, [
      h("input", { type: "hidden", name: "request", value: body(draft) }), h("button", { type: "submit", class: className }, words)
    ]);
  }

  // The confirmation can be read once. A read that never reached the server is tried again; one that did is not.
  function confirmation(key, show, broken, tries) {
    call("GET", "/api/confirmations/" + encodeURIComponent(key)).then(show).catch(function (error) {
      var count = tries || 0;
      if (error.kind === "network" && count < 40) setTimeout(function () { confirmation(key, show, broken, count + 1); }, 250);
      else broken(error);
    });
  }

  window.Shared = {
    h: h, wentWrong: wentWrong, input: input, select: select, call: call, silent: silent, unasked: unasked, codeField: codeField,
    addDiagnosis: addDiagnosis, sendFile: sendFile, file: file, door: door, confirmation: confirmation
  };
})();
