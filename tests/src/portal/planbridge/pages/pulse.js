// Remembers trusted clicks and closed notices and sends them with the next pulse, so that a click costs no call of its
// own. A pulse that fails is sent again with the next one.
var Bridge = {};
(function () {
  "use strict";
  var KEY = "pb.pulse";
  var waiting = { clicks: [], closed: [] };
  try {
    waiting = JSON.parse(sessionStorage.getItem(KEY)) || waiting;
  } catch (e) { /* nothing was kept */ }

  function keep() {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(waiting));
    } catch (e) { /* a full or closed storage loses a click at most */ }
  }
  function name(target) {
    var control = target.closest ? target.closest("button, a, input, select, td, label") : null;
    var el = control || target;
    var words = el.getAttribute("aria-label") || el.value || el.textContent || "";
    if (el.type === "password") words = "";
    return (el.tagName.toLowerCase() + " " + words.trim().replace(/\s+/g, " ").slice(0, 40)).trim();
  }
  document.addEventListener("click", function (event) {
    if (!event.isTrusted) return;
    // A key of the PIN pad is a secret: only where it was, never which.
    var key = event.target.closest && event.target.closest(".pad");
    waiting.clicks.push({
      clientX: event.clientX, clientY: event.clientY, target: key ? "key" : name(event.target),
      viewport: [window.innerWidth, window.innerHeight], ratio: window.devicePixelRatio
    });
    keep();
  }, true);

  var sending = false;
  Bridge.pulse = function (more) {
    var quiet = waiting.clicks.length === 0 && waiting.closed.length === 0 && !more;
    if (sending || quiet) return;
    sending = true;
    var sent = waiting;
    waiting = { clicks: [], closed: [] };
    var body = { clicks: sent.clicks, closed: sent.closed };
    for (var field in more || {}) body[field] = more[field];
    fetch("/pulse", {
      method: "POST",
      headers: { "content-type": "application/json", "x-requested-with": "XMLHttpRequest" },
      body: JSON.stringify(body)
    }).catch(function () {
      waiting.clicks = sent.clicks.concat(waiting.clicks);
      waiting.closed = sent.closed.concat(waiting.closed);
    }).finally(function () { keep(); sending = false; });
  };

  // Partial reloads: markup from the server into a place of the page. Where the session is over, the page says so.
  Bridge.call = function (method, url, fields) {
    var form = new URLSearchParams(fields || {});
    var get = method === "GET";
    return fetch(get && fields ? url + "?" + form : url, {
      method: method,
      headers: { "x-requested-with": "XMLHttpRequest" },
      body: get ? undefined : form
    }).then(function (answer) {
      if (answer.status === 401) {
        location.reload();
        throw new Error("signed out");
      }
      return answer;
    });
  };
  Bridge.into = function (place, method, url, fields) {
    place.classList.add("busy");
    return Bridge.call(method, url, fields)
      .then(function (answer) { return answer.text(); })
      .then(function (markup) {
        place.innerHTML = markup;
        place.classList.remove("busy");
        var again = place.querySelector("[data-again]");
        if (again) setTimeout(function () { Bridge.into(place, method, url, fields); }, Number(again.dataset.again));
      })
      .catch(function () { place.classList.remove("busy"); });
  };
  Bridge.fields = function (form, more) {
    var out = {};
    new FormData(form).forEach(function (value, key) { out[key] = value; });
    for (var key in more || {}) out[key] = more[key];
    return out;
  };

  document.addEventListener("click", function (event) {
    var close = event.target.closest("[data-close]");
    if (!close) return;
    var veil = close.closest(".veil");
    waiting.closed.push(veil.querySelector("[role=dialog]").getAttribute("aria-label") || "");
    veil.hidden = true;
  });
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!form.dataset.into) return;
    event.preventDefault();
    var role = form.closest(".veil") && form.closest(".veil").dataset.role;
    var fields = Bridge.fields(form, role ? { role: role } : {});
    var url = form.dataset.post || form.dataset.from;
    Bridge.into(document.getElementById(form.dataset.into), form.dataset.post ? "POST" : "GET", url, fields);
  });
  document.addEventListener("click", function (event) {
    var onward = event.target.closest("[data-to]");
    if (onward) location.href = onward.dataset.to;
  });
  document.querySelectorAll("[data-load]").forEach(function (place) {
    Bridge.into(place, "GET", place.dataset.load);
  });
})();
