// One request, redesigned: a wizard while it is open, tabs afterwards. "Done" on a request that was sent sends the change,
// as "Save" did.
(function () {
  "use strict";
  var Rx = window.Rx, D = window.Desk, h = Rx.h, call = Rx.call;
  var lost = h("div", { class: "lost", role: "status" }, "Reconnecting…");
  function wire(up) { if (up) lost.remove(); else document.body.append(lost); }

  function pairs(list) {
    return h("div", { class: "pairs" }, list.filter(function (p) { return p[1]; }).map(function (p) { return h("div", { class: "pair" }, [h("span", {}, p[0]), h("strong", {}, p[1])]); }));
  }
  function head(r) {
    var d = r.decision || {};
    return [h("h1", {}, r.drug), h("p", { class: "now" }, [h("span", { class: "pill" }, r.status), " Request key " + r.key]), r.notice && h("p", { class: "hint" }, r.notice),
      d.note && h("p", { class: "hint", role: "status" }, d.note), r.wanted.length > 0 && h("p", { class: "hint" }, "Asked for: " + r.wanted.join("; "))];
  }
  function about(r) {
    return pairs([["Name", r.patient], ["Born", r.dob], ["Member ID", r.memberId], ["Health plan", r.plan], ["Prescribed by", r.prescriber], ["Begun", r.begun], ["Sent", r.sent], ["Renews", r.renewedFrom]]);
  }
  function outcome(r) {
    var d = r.decision || {};
    return pairs([["Plan's decision", r.status], ["Authorization number", d.authorization], ["Good from", d.from], ["Good until", d.to], ["Approved quantity", d.quantity], ["Why", d.reason]]);
  }
  function given(r) {
    return h("div", {}, [D.sheet("What you told the plan", ["Answer", "Question"], r.answered.map(function (p) { return h("tr", {}, [h("td", {}, p[1]), h("td", {}, p[0])]); })),
      h("p", { class: "hint" }, r.files.length ? "One PDF of " + r.pages + (r.pages === 1 ? " page" : " pages") + " is attached." : "Nothing is attached.")]);
  }

  function control(q, value, changed) {
    var el;
    if (q.kind === "statement") {
      el = h("input", { type: "checkbox", id: D.id(), onchange: function () { changed(q.id, String(el.checked)); } });
      el.checked = value === "true";
      return h("div", { class: "choice" }, [el, h("label", { for: el.id }, q.label)]);
    }
    // A list where there were two circles, and circles where there was a list.
    if (q.kind === "select") return h("div", { class: "q-line" }, [q.label, D.choices(q.label, q.options.map(function (o) { return [o, o]; }), value, function (v) { changed(q.id, v); })]);
    el = q.kind === "radio" ? D.pick(q.options, "") : q.kind === "date" ? D.date() : D.text();
    el.value = q.kind === "date" ? D.iso(value) : value || "";
    el.addEventListener(q.kind === "radio" ? "change" : "input", function () { changed(q.id, q.kind === "date" ? D.us(el.value) : el.value); });
    if (q.required) el.setAttribute("aria-required", "true");
    return D.line(q.label + (q.required ? "" : " (optional)"), el);
  }
  function questions(values, changed) {
    var holders = { 1: h("div"), 2: h("div"), 3: h("div") };
    return { values: values, holders: holders, hear: function (data) {
      // The other way round than before.
      var list = Rx.settings.reordered ? data.questions : data.questions.slice().reverse();
      holders[data.set].replaceChildren.apply(holders[data.set], list.map(function (q) { return control(q, values[q.id], function (id, v) { values[id] = v; changed(id, v); }); }));
    } };
  }
  function files(key, r) {
    var list = h("ul"), total = h("p", { class: "hint", role: "status" }), box = D.problem(), file = h("input", { type: "file", multiple: true });
    function show(v) {
      list.replaceChildren.apply(list, v.files.map(function (one, at) {
        return h("li", {}, [one.name + " (" + one.pages + ") ", D.act("Take out", function () { call("DELETE", "/api/requests/" + key + "/files/" + at).then(show, function (x) { D.tell(box, x); }); }, "ghost")]);
      }));
      total.textContent = v.scanning ? "Scanning…" : v.files.length ? "These become one PDF: " + v.pages + (v.pages === 1 ? " page." : " pages.") : "";
    }
    file.onchange = function () {
      D.tell(box);
      Array.prototype.slice.call(file.files).reduce(function (before, one) {
        return before.then(function () { return call("POST", "/api/requests/" + key + "/files?name=" + encodeURIComponent(one.name), undefined, one).then(show); });
      }, Promise.resolve()).catch(function (x) { D.tell(box, x); }).then(function () { file.value = ""; });
    };
    show(r);
    return [box, D.line("Papers for the plan", file), list, total];
  }
  function down(words) { D.frame("", [h("h1", {}, "My desk"), h("p", { class: "hint", role: "status" }, words)]); }
  function failed(x) { if (!Rx.silent(x)) D.frame("", [h("div", { class: "problem", role: "alert" }, x.message)]); }

  function signing(key, r, box) {
    var later = D.act("Send later", function () { Rx.go("/dashboard"); }), busy = false;
    var name = D.text(), agent = h("input", { type: "checkbox", id: D.id() }), state = h("p", { class: "hint", role: "status" }, r.signed ? "Signed by " + r.signed.name + "." : "");
    var send = D.act(D.words.send, function () {
      if (busy) return;
      busy = true; D.tell(box);
      Rx.insist(function () { return call("POST", "/api/requests/" + key + "/send"); }, r.tries || 1).then(function (v) {
        Rx.remember(r.resends, "/api/requests/" + key + "/send");
        D.frame("", [h("h1", {}, "Your request is with the plan"), h("p", {}, v.message), v.toast && h("p", { class: "problem" }, v.toast), pairs([["Request key", v.key], ["Where it stands", v.status], ["For", r.patient]]),
          h("div", { class: "bar" }, [D.act("See the request", function () { Rx.go("/request/" + key); }), D.act("My desk", function () { Rx.go("/dashboard"); })])]);
      }, function (x) { busy = false; D.tell(box, x); });
    }, "main");
    send.disabled = r.esign && !r.signed;
    var form = r.esign ? [h("h2", {}, "Electronic signature"), h("blockquote", {}, Rx.settings.statement),
      h("div", { class: "choice" }, [agent, h("label", { for: agent.id }, "I am the prescriber or agent")]), D.line("Full name, as a signature", name),
      D.act(D.words.sign, function () {
        D.tell(box);
        call("POST", "/api/requests/" + key + "/signature", { name: name.value, agent: agent.checked }).then(function (v) { state.textContent = "Signed by " + v.signed + "."; send.disabled = false; }, function (x) { D.tell(box, x); });
      }), state] : [];
    return form.concat([h("div", { class: "bar" }, [later, r.decoy && D.act(r.decoy, function () {}), send])]);
  }

  Rx.page(/^\/request\/([^/]+)\/history$/, function (key) {
    call("GET", "/api/requests/" + key + "/history").then(function (v) {
      D.frame("", [h("h1", {}, "History of " + key), D.sheet("So far", ["What", "When"], v.lines.map(function (one) { return h("tr", {}, [h("td", {}, one[1]), h("td", {}, one[0])]); }))]);
    }, failed);
  });

  function open(key, sign) {
    var line = null, draft = null, gone = false, hear = function () {}, set = null;
    function heard(r, top) {
      call("GET", "/api/requests/" + key).then(function (now) {
        if (gone) return;
        if (now.open !== r.open || now.editable !== r.editable || Boolean(now.sent) !== Boolean(r.sent)) { if (!sign) draw(); return; }
        top.replaceChildren.apply(top, head(now).filter(Boolean)); hear();
      }).catch(function () {});
    }
    function form(r, box) {
      var known = r, typing = false, state = h("p", { class: "state", role: "status" });
      var round = r.sent ? [["More questions", [set.holders[3]]]] : [["Questions", [set.holders[1]]], ["More questions", [set.holders[2]]]];
      var go = D.act(r.esign ? "To the signature" : "To the last page", function () { draft.flush().then(function () { Rx.go("/request/" + key + "/sign"); }); }, "main");
      var w = D.wizard(round.concat([["Papers", files(key, r)]]), [go]);
      function show() {
        var behind = known.seq > (line ? line.last() : 0);
        go.disabled = typing || behind || known.waiting || known.left > 0;
        state.textContent = typing ? "Saving…" : behind || known.waiting ? "Waiting for questions from the plan…"
          : (known.message ? known.message + " " : "") + (known.left > 0 ? known.left + (known.left === 1 ? " question left." : " questions left.") : "All questions are answered.");
      }
      draft = Rx.draft(key, function (what, v) { typing = what === "typing"; if (what === "saved") known = v; D.tell(box, what === "failed" ? v : null); show(); });
      hear = function () {
        if (known.waiting) call("GET", "/api/requests/" + key).then(function (v) { if (!typing) { known = v; show(); } }).catch(function () {});
        show();
      };
      show();
      return w.parts.concat([state, r.discardable && D.act("Throw this request away", function () {
        if (confirm("Throw this request away?")) call("DELETE", "/api/requests/" + key).then(function () { Rx.go("/dashboard"); }).catch(function (x) { D.tell(box, x); });
      }, "ghost")]);
    }
    function sent(r, box) {
      var parts = D.tabs(["Decision", "Your answers", "Details"], function (at) { return at === 0 ? [outcome(r)] : at === 1 ? [given(r)] : [about(r)]; }), holder = h("div");
      if (r.editable) {
        var edit = D.act("Change answers", function () {
          edit.remove();
          holder.replaceChildren(set.holders[2], set.holders[1], D.act("Done", function () {
            call("POST", "/api/requests/" + key + "/changes", { answers: set.values }).then(function (v) { holder.replaceChildren(h("p", { class: "hint", role: "status" }, v.message)); D.ring(); }, function (x) { D.tell(box, x); });
          }, "main"));
        });
        parts.push(h("div", { class: "bar" }, edit));
      }
      return parts.concat([holder, h("div", { class: "bar" }, [D.act("History", function () { Rx.go("/request/" + key + "/history"); }),
        r.renewable && D.act("Renew it", function () { call("POST", "/api/requests/" + key + "/renew").then(function (v) { Rx.go("/request/" + v.key); }, failed); })])]);
    }
    function draw() {
      call("GET", "/api/requests/" + key).then(function (r) {
        if (gone) return;
        if (r.banner) { down(r.banner); return; }
        if (sign && !r.open) { Rx.go("/request/" + key, true); return; }
        if (line) line.close();
        var box = D.problem(), top = h("div", {}, head(r));
        set = questions(Object.assign({}, r.answers), function (id, v) { if (r.open && draft) draft.put(id, v); });
        var body = sign ? [about(r), given(r)].concat(signing(key, r, box)) : r.open ? form(r, box).concat([h("details", {}, [h("summary", {}, "About this request"), about(r)])]) : sent(r, box);
        D.frame("", [top, box].concat(body));
        line = Rx.socket(key, function (type, data) {
          if (type === "toast") D.ring();
          if (type === "question_set") { set.hear(data); hear(); }
          if (type === "status") heard(r, top);
        }, wire);
      }, failed);
    }
    draw();
    return function () { gone = true; if (draft) draft.flush(); if (line) line.close(); lost.remove(); };
  }
  Rx.page(/^\/request\/([^/]+)\/sign$/, function (key) { return open(key, true); });
  Rx.page(/^\/request\/([^/]+)$/, function (key) { return open(key, false); });
})();
