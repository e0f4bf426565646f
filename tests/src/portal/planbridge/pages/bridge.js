// The hub: menus (on hover in the classic look, on click in the fresh one), the log's refresh, sorting, the PIN pad, the
// terms that must be read to their end, and the window for UM.
(function () {
  "use strict";
  document.querySelectorAll(".menu").forEach(function (menu) {
    var list = menu.querySelector("ul");
    var button = menu.querySelector("button");
    if (!button) {
      menu.addEventListener("mouseenter", function () { menu.classList.add("open"); });
      menu.addEventListener("mouseleave", function () { menu.classList.remove("open"); });
      return;
    }
    button.addEventListener("click", function () {
      list.hidden = !list.hidden;
      button.setAttribute("aria-expanded", String(!list.hidden));
    });
  });

  // UM opens in a window of its own, in the classic look.
  document.querySelectorAll("a[href='/um']").forEach(function (link) {
    link.addEventListener("click", function (event) {
      if (!document.body.classList.contains("classic") || document.querySelector(".bar").dataset.um === "tab") return;
      event.preventDefault();
      window.open("/um", "um", "width=1100,height=760,scrollbars=yes,resizable=yes");
    });
  });

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-refresh]");
    if (!button) return;
    var row = button.closest(".live");
    button.disabled = true;
    button.textContent = "Refreshing";
    Bridge.call("POST", "/log/refresh", { reference: button.dataset.refresh })
      .then(function (answer) { return answer.json(); })
      .then(function (now) {
        row.querySelector(".status").textContent = now.status;
        row.querySelector(".asof").textContent = now.asof;
        row.classList.add("current");
        button.textContent = "Refreshed";
      })
      .catch(function () { button.textContent = "Not available"; });
  });

  // Sorting by a column: the letters as they stand, a second click turns it round.
  document.addEventListener("click", function (event) {
    var head = event.target.closest("table.sortable th");
    if (!head) return;
    var at = Array.prototype.indexOf.call(head.parentNode.children, head);
    var body = head.closest("table").tBodies[0];
    var turn = head.dataset.turn === "1" ? -1 : 1;
    head.dataset.turn = String(turn);
    Array.prototype.slice.call(body.rows)
      .sort(function (a, b) { return turn * a.cells[at].textContent.localeCompare(b.cells[at].textContent); })
      .forEach(function (row) { body.appendChild(row); });
  });

  // The PIN pad: a key fills the next empty place.
  var pad = document.querySelector(".pad");
  if (pad) {
    var keys = document.querySelector("input[name=keys]");
    var slots = document.querySelectorAll(".slot i");
    var clicked = [];
    var draw = function () {
      keys.value = clicked.join(",");
      slots.forEach(function (slot, at) { slot.textContent = at < clicked.length ? "\u2022" : ""; });
    };
    pad.addEventListener("click", function (event) {
      if (event.target.classList.contains("wipe")) clicked = [];
      else if (event.target.dataset.at && clicked.length < slots.length) clicked.push(event.target.dataset.at);
      draw();
    });
  }

  // The terms: the button wakes at the end of the text.
  var terms = document.querySelector(".scroll");
  if (terms) {
    var accept = document.querySelector("form .main");
    var look = function () {
      if (terms.scrollTop + terms.clientHeight >= terms.scrollHeight - 4) accept.disabled = false;
    };
    terms.addEventListener("scroll", look);
    look();
  }
  setInterval(function () { Bridge.pulse(); }, 500);
})();
