// How the workspace looks now, and which components it is made of: every root is open and lies one level deeper, dates are
// three spin buttons, steps of a request are tabs, choices are radio buttons.
(function () {
  "use strict";
  var C = window.Core, h = C.h;

  // Names of classes are made by the build.
  function made(token) {
    var hash = 5381;
    for (var i = 0; i < token.length; i += 1) hash = (hash * 33 + token.charCodeAt(i)) % 2147483647;
    return "k" + hash.toString(36);
  }
  C.classes = function (value) { return value.split(/\s+/).filter(Boolean).map(made).join(" "); };

  var WORDS = {
    "Find member": "Search members", "Continue": "Next", "Back": "Previous", "Submit request": "Complete request", "Select": "Choose",
    "Show dependents": "View dependents", "Change member": "Another member", "Member ID": "Member number", "Last name": "Family name", "First name": "Given name",
    "Find provider": "Look up provider", "Servicing provider NPI": "NPI of servicing provider", "Add diagnosis": "Add", "Add procedure": "Add code",
    "Add line": "Add service", "Procedure code": "CPT or HCPCS code", "Diagnosis code": "ICD-10 code", "Place of service": "Setting", "Check": "Run pre-check",
    "Request number": "Confirmation number", "Authorization number": "Approval number", "Pend number": "Review number", "Status": "Outcome",
    "Your reference": "Office reference", "Members": "Matching members", "Requests": "Request list", "Service lines": "Requested services",
    "Request received": "All set", "Welcome": "Good day", "My requests": "Requests", "New request": "Request authorization", "Pre-check": "Is it needed?",
    "New prior authorization request": "Request authorization", "Service from": "First day", "Service to": "Last day", "Edit request": "Change request",
    "Send changes": "Update", "Book": "Reserve", "Search": "Go", "Search letters": "Look up", "Claim number": "Claim ID", "Change": "Switch",
    "Use this provider": "Switch", "Keep current": "Not now"
  };
  var OTHER = { "Find member": "Look up", "Continue": "Proceed", "Submit request": "Transmit" };
  function word(plain) { return (window.Kit.renamed && OTHER[plain]) || WORDS[plain] || plain; }

  // A component whose content lies in the root of a second one inside its own root.
  function deeper(outer, inner) {
    customElements.define(inner, class extends HTMLElement {});
    customElements.define(outer, class extends HTMLElement {
      get inside() {
        if (!this.shadowRoot) {
          var second = document.createElement(inner);
          C.root(this, "open").append(second);
          C.root(second, "open");
        }
        return this.shadowRoot.firstElementChild.shadowRoot;
      }
    });
  }
  deeper("ls-grid", "ls-cells");
  deeper("ls-days", "ls-spins");
  deeper("ls-files", "ls-slots");
  customElements.define("ls-stage", class extends HTMLElement {});

  customElements.define("lf-shell", class extends HTMLElement {
    begin() {
      var inner = document.createElement("ls-stage");
      C.root(this, "open").append(inner);
      this.stage = C.root(inner, "open");
    }
    draw(parts) { this.stage.replaceChildren.apply(this.stage, parts.filter(Boolean)); }
  });

  // Three spin buttons; a day that does not exist is no day.
  function days(label, name, value) {
    var el = document.createElement("ls-days"), parts = (value || "").split("-");
    function spin(words, least, most, at) {
      var box = h("input", { type: "number", min: least, max: most, "aria-label": words, class: "spin" });
      box.value = at ? String(Number(at)) : "";
      box.addEventListener("change", function () { el.dispatchEvent(new Event("change")); });
      return box;
    }
    var month = spin("Month", 1, 12, parts[1]), day = spin("Day", 1, 31, parts[2]), year = spin("Year", 2020, 2099, parts[0]);
    el.inside.replaceChildren(h("fieldset", {}, [h("legend", {}, word(label)), h("span", { class: "date" }, [month, day, year])]));
    el.setAttribute("name", name);
    Object.defineProperty(el, "value", { get: function () {
      var at = new Date(Date.UTC(Number(year.value), Number(month.value) - 1, Number(day.value)));
      if (!year.value || !month.value || !day.value || at.getUTCMonth() !== Number(month.value) - 1) return "";
      return at.toISOString().slice(0, 10);
    } });
    return el;
  }

  function files(held, send) {
    var el = document.createElement("ls-files");
    var file = h("input", { type: "file", accept: ".pdf,.tif,.tiff,.jpg,.jpeg", hidden: true });
    var tile = h("button", { type: "button", class: "tile add", "aria-label": "Attach document", onclick: function () { file.click(); } }, C.icon("plus", "M12 5v14M5 12h14"));
    var tiles = h("div", { class: "tiles" }, [tile, file]);
    function tick(box) { box.replaceChildren(C.icon("tick", "M5 13l4 4 10-10")); box.setAttribute("role", "img"); }
    function shown() {
      var box = h("span", { class: "tile doc", role: "progressbar" }, C.icon("ring", "M12 3a9 9 0 1 1-9 9"));
      tiles.append(box);
      return box;
    }
    file.addEventListener("change", function () {
      var chosen = file.files[0];
      if (!chosen) return;
      file.value = "";
      send(chosen, shown(), tick);
    });
    (held || []).forEach(function () { tick(shown()); });
    el.inside.replaceChildren(tiles);
    return el;
  }

  // Columns come in another order, and one of them is left out.
  var HIDDEN = ["npi", "relation", "line"];
  function table(caption, columns, rows) {
    var el = document.createElement("ls-grid");
    var shown = columns.filter(function (c) { return HIDDEN.indexOf(c[0]) < 0; }).reverse();
    el.inside.replaceChildren(h("table", {}, [
      h("caption", {}, word(caption)),
      h("thead", {}, h("tr", {}, shown.map(function (c) { return h("th", { scope: "col" }, word(c[1])); }))),
      h("tbody", {}, rows.map(function (row) { return h("tr", {}, shown.map(function (c) { return h("td", {}, row[c[0]]); })); }))]));
    return el;
  }

  window.Kit = {
    renamed: false, word: word, decoy: "Complete later", extraField: "Internal note",
    button: function (plain, onclick, more) { return h("button", Object.assign({ type: "button", onclick: onclick }, more || {}), word(plain)); },
    field: function (label, control, bare) {
      if (bare) { control.placeholder = word(label); return h("div", { class: "field" }, control); }
      return h("div", { class: "field" }, h("div", {}, [h("label", { for: control.id }, word(label)), control]));
    },
    choice: function (label, options, value) {
      var group = "g" + C.id(), chosen = value || "";
      var el = h("fieldset", {}, [h("legend", {}, word(label))].concat(options.map(function (one) {
        var radio = h("input", { type: "radio", name: group, onchange: function () { chosen = one; } });
        radio.checked = one === chosen;
        return h("label", { class: "tick" }, [radio, " " + one]);
      })));
      return { el: el, get value() { return chosen; } };
    },
    date: days, upload: files, table: table,
    order: function (fields) { return fields.slice(2).concat(fields.slice(1, 2), fields.slice(0, 1)); },
    facts: function (pairs) {
      return h("ul", { class: "facts" }, pairs.filter(function (pair) { return pair[1] !== null && pair[1] !== undefined && pair[1] !== ""; })
        .map(function (pair) { return h("li", { class: "fact" }, [h("span", {}, word(pair[0])), h("strong", {}, String(pair[1]))]); }));
    },
    frame: function (acting, nav, user) {
      return [h("header", { class: "top" }, h("div", { class: "bar" }, [
        h("div", { class: "brand" }, [h("span", { class: "bird" }), "Larkfield ", h("b", {}, "Provider Workspace")]),
        h("div", { class: "who" }, [h("span", {}, user), h("a", { href: "/sign-out" }, "Log out")])])),
        h("div", { class: "side" }, [h("nav", { class: "main", "aria-label": "Menu" }, nav.map(function (n) {
          return h("a", { href: n[0], "aria-current": n[2] ? "page" : null, onclick: n[3] }, word(n[1]));
        })), h("div", { class: "acting" }, acting)])];
    },
    steps: function (names, current, panel, go) {
      var tabs = names.map(function (name, i) {
        return h("button", {
          type: "button", role: "tab", "aria-selected": i === current ? "true" : "false", disabled: i > current, onclick: function () { if (i < current) go(i); }
        }, name);
      });
      return [h("div", { class: "tabs", role: "tablist" }, tabs), h("div", { role: "tabpanel", "aria-label": names[current] }, panel)];
    },
    heading: function (words) { return h("h1", {}, word(words)); }
  };
})();
