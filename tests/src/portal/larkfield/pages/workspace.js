// How the workspace looks and which components it is made of: shell and tables with open shadow roots, the date field and
// the upload tile with closed ones. Steps of a request are pages of their own.
(function () {
  "use strict";
  var C = window.Core, h = C.h;
  var MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
  var DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
  var two = function (n) { return (n < 10 ? "0" : "") + n; };

  // A date field that takes no typing: a day is chosen in its calendar. `value` is year-month-day.
  customElements.define("lf-date-field", class extends HTMLElement {
    connectedCallback() {
      if (this.ready) return;
      this.ready = true;
      var self = this, chosen = this.getAttribute("value") || "";
      var today = C.settings.today, at = (chosen || today).split("-").map(Number), year = at[0], month = at[1] - 1;
      var root = C.root(this, "closed");
      var shown = C.input("", { readonly: true, placeholder: "MM / DD / YYYY", inputmode: "none" });
      var title = h("strong", { "aria-live": "polite" });
      var days = h("tbody");
      var pop = h("div", { class: "calendar", role: "dialog", "aria-label": "Choose a date", hidden: true }, [
        h("div", { class: "months" }, [
          h("button", { type: "button", "aria-label": "Previous month", onclick: function () { step(-1); } }, "\u2039"), title,
          h("button", { type: "button", "aria-label": "Next month", onclick: function () { step(1); } }, "\u203a")]),
        h("table", { role: "grid" }, [
          h("thead", {}, h("tr", {}, DAYS.map(function (day) { return h("th", { scope: "col", abbr: day }, day.slice(0, 2)); }))), days])
      ]);
      function step(by) { month += by; if (month < 0) { month = 11; year -= 1; } if (month > 11) { month = 0; year += 1; } draw(); }
      function draw() {
        title.textContent = MONTHS[month] + " " + year;
        var first = new Date(Date.UTC(year, month, 1)).getUTCDay(), last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
        var cells = [], rows = [];
        for (var i = 0; i < first; i += 1) cells.push(h("td", { role: "gridcell" }));
        for (var day = 1; day <= last; day += 1) cells.push(cell(day, DAYS[(first + day - 1) % 7]));
        while (cells.length % 7) cells.push(h("td", { role: "gridcell" }));
        while (cells.length) rows.push(h("tr", {}, cells.splice(0, 7)));
        days.replaceChildren.apply(days, rows);
      }
      function cell(day, weekday) {
        var iso = year + "-" + two(month + 1) + "-" + two(day);
        var button = h("button", {
          type: "button", "aria-label": weekday + " " + C.usDate(iso), disabled: iso < today, "aria-pressed": iso === chosen ? "true" : null,
          onclick: function () { take(iso); pop.hidden = true; self.dispatchEvent(new Event("change")); }
        }, String(day));
        return h("td", { role: "gridcell" }, button);
      }
      function take(iso) { chosen = iso; shown.value = C.usDate(iso).replace(/\//g, " / "); draw(); }
      var opener = h("button", {
        type: "button", class: "opener", "aria-label": "Open calendar", "aria-haspopup": "dialog", onclick: function () { pop.hidden = !pop.hidden; }
      }, C.icon("cal", "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4"));
      root.append(h("label", { for: shown.id }, this.getAttribute("label")), h("div", { class: "date" }, [shown, opener]), pop);
      if (chosen) take(chosen); else draw();
      Object.defineProperty(this, "value", { get: function () { return chosen; } });
    }
  });

  // Documents as tiles: a ring while one is on its way, a tick when it has come. No words.
  customElements.define("lf-upload", class extends HTMLElement {
    connectedCallback() {
      if (this.ready) return;
      this.ready = true;
      var self = this, root = C.root(this, "closed");
      var file = h("input", { type: "file", accept: ".pdf,.tif,.tiff,.jpg,.jpeg", hidden: true });
      var tile = h("button", { type: "button", class: "tile add", "aria-label": "Add a document", onclick: function () { file.click(); } },
        C.icon("plus", "M12 5v14M5 12h14"));
      var tiles = h("div", { class: "tiles" }, [tile, file]);
      root.append(tiles);
      function shown(done) {
        var ring = C.icon("ring", "M12 3a9 9 0 1 1-9 9");
        var box = h("span", { class: "tile doc", role: "progressbar" }, ring);
        if (done) tick(box);
        tiles.insertBefore(box, tile);
        return box;
      }
      function tick(box) { box.replaceChildren(C.icon("tick", "M5 13l4 4 10-10")); box.setAttribute("role", "img"); }
      file.addEventListener("change", function () {
        var chosen = file.files[0];
        if (!chosen) return;
        file.value = "";
        self.send(chosen, shown(false), tick);
      });
      (this.held || []).forEach(function () { shown(true); });
    }
  });

  // A table of its own root. `data` = {caption, columns, rows}; a column is [key, words], a row maps keys to cells.
  customElements.define("lf-table", class extends HTMLElement {
    set data(data) {
      this.shadowRoot || C.root(this, "open");
      this.shadowRoot.replaceChildren(h("table", {}, [
        h("caption", {}, data.caption),
        h("thead", {}, h("tr", {}, data.columns.map(function (c) { return h("th", { scope: "col" }, c[1]); }))),
        h("tbody", {}, data.rows.map(function (row) {
          return h("tr", {}, data.columns.map(function (c) { return h("td", {}, row[c[0]]); }));
        }))]));
    }
  });

  customElements.define("lf-shell", class extends HTMLElement {
    begin() { this.stage = C.root(this, "open"); }
    draw(parts) { this.stage.replaceChildren.apply(this.stage, parts.filter(Boolean)); }
  });

  var WORDS = {};
  var OTHER = { "Find member": "Look up", "Continue": "Proceed", "Submit request": "Transmit" };
  function word(plain) { return (window.Kit.renamed && OTHER[plain]) || WORDS[plain] || plain; }
  function button(plain, onclick, more) {
    return h("button", Object.assign({ type: "button", onclick: onclick }, more || {}), word(plain));
  }

  window.Kit = {
    renamed: false, word: word, button: button, decoy: null, extraField: null,
    field: function (label, control, bare) {
      var words = bare ? h("span", { class: "label" }, word(label)) : h("label", { for: control.id }, word(label));
      return h("div", { class: "field" }, [words, control]);
    },
    choice: function (label, options, value) {
      var select = h("select", { id: C.id() }, [h("option", { value: "" }, "Select")].concat(options.map(function (o) { return h("option", {}, o); })));
      select.value = value || "";
      return { el: window.Kit.field(label, select), get value() { return select.value; } };
    },
    date: function (label, name, value) { return h("lf-date-field", { name: name, label: word(label), value: value, role: "group", "aria-label": word(label) }); },
    upload: function (held, send) { var el = document.createElement("lf-upload"); el.held = held; el.send = send; return el; },
    table: function (caption, columns, rows) {
      var el = document.createElement("lf-table");
      el.data = { caption: word(caption), columns: columns, rows: rows };
      return el;
    },
    order: function (fields) { return fields; },
    facts: function (pairs) {
      var dl = h("dl", { class: "facts" });
      pairs.forEach(function (pair) {
        if (pair[1] === null || pair[1] === undefined || pair[1] === "") return;
        dl.append(h("div", { class: "fact" }, [h("dt", {}, word(pair[0])), h("dd", {}, String(pair[1]))]));
      });
      return dl;
    },
    frame: function (acting, nav, user) {
      return [h("header", { class: "top" }, [
        h("div", { class: "brand" }, [h("span", { class: "bird" }), "Larkfield ", h("b", {}, "Provider Workspace")]),
        h("div", { class: "acting" }, acting),
        h("div", { class: "who" }, [h("span", {}, user), h("a", { href: "/sign-out" }, "Sign out")])
      ]), h("nav", { class: "main", "aria-label": "Workspace" }, nav.map(function (n) {
        return h("a", { href: n[0], "aria-current": n[2] ? "page" : null, onclick: n[3] }, n[1]);
      }))];
    },
    // The steps of a request: a page each, with a list of where one is.
    steps: function (names, current, panel) {
      return [h("ol", { class: "steps", "aria-label": "Steps" }, names.map(function (name, i) {
        return h("li", { class: i === current ? "on" : i < current ? "done" : null, "aria-current": i === current ? "step" : null }, name);
      })), panel];
    },
    heading: function (words) { return h("h1", {}, words); }
  };
})();
