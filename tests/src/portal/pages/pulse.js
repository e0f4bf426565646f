// Remembers trusted clicks and closed notices and sends them with the next pulse, so that a click costs no call of its
// own. A pulse that fails is sent again with the next one. Loaded by every page of the hub.
(function () {
  "use strict";
  var KEY = "cc.pulse";
  var waiting = read();
  var sending = false;
  var listener = null;

  function read() {
    try {
      return JSON.parse(sessionStorage.getItem(KEY)) || { clicks: [], closed: [] };
    } catch (e) {
      return { clicks: [], closed: [] };
    }
  }
  function keep() {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(waiting));
    } catch (e) { /* a full or closed storage loses a click at most */ }
  }
  function name(target) {
    var control = target.closest ? target.closest("button, a, input, select, textarea, label, [role]") : null;
    var el = control || target;
    var words = el.getAttribute("aria-label") || el.textContent || el.name || "";
    return (el.tagName.toLowerCase() + " " + words.trim().replace(/\s+/g, " ").slice(0, 60)).trim();
  }
  document.addEventListener("click", function (event) {
    if (!event.isTrusted) return;
    waiting.clicks.push({
      clientX: event.clientX, clientY: event.clientY, target: name(event.target),
      viewport: [window.innerWidth, window.innerHeight], ratio: window.devicePixelRatio
    });
    keep();
  }, true);

  function pulse() {
    if (sending) return;
    if (!listener && waiting.clicks.length === 0 && waiting.closed.length === 0) return;
    sending = true;
    var sent = waiting;
    waiting = { clicks: [], closed: [] };
    fetch("/pulse", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(sent) })
      .then(function (answer) { return answer.json(); })
      .then(function (state) { if (listener) listener(state); })
      .catch(function () {
        waiting.clicks = sent.clicks.concat(waiting.clicks);
        waiting.closed = sent.closed.concat(waiting.closed);
      })
      .finally(function () { keep(); sending = false; });
  }
  var settings = document.getElementById("settings");
  var every = settings ? JSON.parse(settings.textContent).pulseMs || 500 : 500;
  setInterval(pulse, every);
  pulse();
  window.Pulse = {
    closed: function (what) { waiting.closed.push(what); keep(); },
    listen: function (take) { listener = take; }
  };
})();
