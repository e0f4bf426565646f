// The UM window: the dialogs of providers, the grid that is edited in place, lines opened on demand, the last form, and
// the watch over the main window.
(function () {
  "use strict";
  // Providers: one dialog for each role.
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-role]");
    if (!button || button.classList.contains("veil")) return;
    var dialog = document.querySelector("[role=dialog][aria-label=''], [role=dialog][data-roles]");
    var veil = dialog.closest(".veil");
    var words = "Attach " + button.dataset.role + " Provider";
    dialog.dataset.roles = "1";
    dialog.setAttribute("aria-label", words);
    dialog.querySelector("h2").textContent = words;
    veil.dataset.role = button.dataset.role;
    veil.querySelector("form input").value = "";
    veil.querySelector("form.search").nextElementSibling.innerHTML = "";
    veil.hidden = false;
  });

  var grid = document.querySelector("table.grid");
  if (grid) {
    var said = document.querySelector("p[id].alert");
    var say = function (words) {
      said.textContent = words || "";
      said.hidden = !words;
    };
    // A cell is kept when it is left; until then it is only typed.
    grid.addEventListener("focusout", function (event) {
      var cell = event.target.closest("td[data-cell]");
      if (!cell || event.target.tagName !== "INPUT") return;
      var field = event.target;
      var row = cell.closest("tr");
      cell.className = "saving";
      Bridge.call("POST", "/services/cell", { row: row.dataset.row, cell: cell.dataset.cell, value: field.value })
        .then(function (answer) { return answer.json(); })
        .then(function (kept) {
          say(kept.message);
          cell.className = kept.message ? "open wrong" : "kept";
          if (!kept.message) cell.textContent = kept.shown;
        });
    });
    // A kept cell becomes a field again when it is clicked.
    grid.addEventListener("click", function (event) {
      var cell = event.target.closest("td.kept");
      if (!cell) return;
      var field = document.createElement("input");
      field.type = "text";
      field.autocomplete = "off";
      field.value = cell.textContent;
      cell.textContent = "";
      cell.className = "open";
      cell.appendChild(field);
      field.focus();
    });
    grid.addEventListener("click", function (event) {
      var button = event.target.closest("[data-remove]");
      if (!button) return;
      Bridge.call("POST", "/services/remove", { row: button.dataset.remove }).then(function () {
        button.closest("tr").remove();
      });
    });
    document.querySelector("[data-add]").addEventListener("click", function () {
      Bridge.call("POST", "/services/add").then(function (answer) { return answer.text(); }).then(function (markup) {
        grid.tBodies[0].insertAdjacentHTML("beforeend", markup);
        grid.tBodies[0].lastElementChild.querySelector("input").focus();
      });
    });
  }

  document.addEventListener("click", function (event) {
    var link = event.target.closest("[data-open]");
    if (!link) return;
    event.preventDefault();
    Bridge.into(document.getElementById(link.dataset.open), "GET", link.dataset.from);
  });

  // The last form is sent once by its button.
  var last = document.querySelector("form.final");
  if (last) {
    last.addEventListener("submit", function (event) {
      if (last.dataset.sent) event.preventDefault();
      if (last.dataset.twice) {
        fetch("/submit", { method: "POST", body: new URLSearchParams(new FormData(last)) });
      }
      last.dataset.sent = "1";
    });
  }

  // Without the main window this one ends after a minute; it keeps looking.
  var opened = window.opener;
  setInterval(function () {
    Bridge.pulse(opened ? { opener: !opened.closed } : undefined);
  }, 500);
})();
