// What all pages of the application share: elements, calls, routes, the socket of an open request, drafts that save
// themselves. What a page looks like is not decided here.
(function () {
  "use strict";
  var settings = JSON.parse(document.getElementById("settings").textContent);
  var pages = [], leave = null;

  function h(tag, attributes, children) {
    var el = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (key) {
      var value = attributes[key];
      if (key.indexOf("on") === 0) el.addEventListener(key.slice(2), value);
      else if (value === true) el.setAttribute(key, "");
      else if (value !== null && value !== undefined && value !== false) el.setAttribute(key, value);
    });
    [].concat(children === undefined ? [] : children).forEach(function (child) {
      if (child !== null && child !== undefined && child !== false && child !== "") el.append(child);
    });
    return el;
  }
  function problem(words, kind, body) { var e = new Error(words); e.kind = kind; e.body = body; return e; }
  var BROKEN = "Something went wrong. We could not tell whether it worked.";

  // One call. An error's kind is: out, page (replaced by another page), refused (words for the form), failed.
  function call(method, path, body, raw) {
    var init = { method: method, headers: { accept: "application/json" } };
    if (raw) init.body = raw;
    else if (body !== undefined) { init.headers["content-type"] = "application/json"; init.body = JSON.stringify(body); }
    return fetch(path, init).catch(function () { throw problem(BROKEN, "failed"); }).then(function (answer) {
      var kind = answer.headers.get("content-type") || "";
      if (answer.status === 401) { go("/account?out=1"); throw problem("", "out"); }
      if (answer.ok && kind.indexOf("json") < 0) {
        return answer.text().then(function (html) { document.documentElement.innerHTML = html; throw problem("", "page"); });
      }
      if (kind.indexOf("json") < 0) throw problem(BROKEN, "failed");
      return answer.json().catch(function () { throw problem(BROKEN, "failed"); }).then(function (value) {
        if (answer.ok) return value;
        throw problem(value.message || BROKEN, answer.status < 500 ? "refused" : "failed", value);
      });
    });
  }
  function silent(error) { return error.kind === "out" || error.kind === "page"; }

  // Routes.
  function page(pattern, show) { pages.push([pattern, show]); }
  function go(path, replace) {
    if (replace) history.replaceState(null, "", path); else history.pushState(null, "", path);
    route();
  }
  function route() {
    if (leave) { leave(); leave = null; }
    for (var i = 0; i < pages.length; i += 1) {
      var match = pages[i][0].exec(location.pathname);
      if (match) { leave = pages[i][1](match[1] && decodeURIComponent(match[1])) || null; return; }
    }
    go("/dashboard", true);
  }
  window.addEventListener("popstate", route);
  document.addEventListener("DOMContentLoaded", route);
  // After the sign-in: another set of pages is loaded only where the answer names another one.
  function enter(path, value) { if (value.application === settings.application) go(path); else location.href = path; }
  function link(path, words, attributes) {
    return h("a", Object.assign({ href: path, onclick: function (e) { e.preventDefault(); go(path); } }, attributes || {}), words);
  }

  // The socket of an open request. Messages are numbered; a gap is mended by asking again from where we stand, and when
  // the connection is cut it is opened again at once.
  function socket(key, hear, state) {
    var last = 0, begun = false, line = null, over = false, timer = null, failed = 0;
    function open() {
      if (over) return;
      var address = "wss://" + location.host + "/ws?key=" + encodeURIComponent(key) + (begun ? "&since=" + last : "");
      begun = true;
      var mine = line = new WebSocket(address);
      mine.onopen = function () { failed = 0; state(true); };
      mine.onmessage = function (event) {
        if (line !== mine) return;
        var message = JSON.parse(event.data);
        if (message.seq <= last) return;
        if (message.type === "ping" || message.seq > last + 1) { mine.close(); return; }
        last = message.seq;
        if (message.type !== "past") hear(message.type, message.data);
      };
      mine.onclose = function () {
        if (over || line !== mine) return;
        state(false);
        // At once; more slowly only while nothing can be reached at all.
        timer = setTimeout(open, (settings.reconnectMs || 0) + Math.min(failed * 500, 5000));
        failed += 1;
      };
    }
    function pointer(event) {
      if (!event.isTrusted || !line || line.readyState !== 1) return;
      line.send(JSON.stringify({ type: "pointer", data: {
        clientX: event.clientX, clientY: event.clientY, target: (event.target.textContent || event.target.name || "").slice(0, 40),
        viewport: innerWidth + "x" + innerHeight, ratio: devicePixelRatio
      } }));
    }
    document.addEventListener("click", pointer, true);
    open();
    return {
      last: function () { return last; },
      close: function () { over = true; clearTimeout(timer); document.removeEventListener("click", pointer, true); if (line) line.close(); }
    };
  }

  // Answers that save themselves 800 ms after the last change.
  function draft(key, told) {
    var pending = {}, timer = null, running = Promise.resolve();
    function flush() {
      clearTimeout(timer); timer = null;
      if (!Object.keys(pending).length) return running;
      var answers = pending; pending = {};
      running = running.then(function () {
        return call("PUT", "/api/requests/" + key + "/answers", { answers: answers }).then(
          function (value) { if (!Object.keys(pending).length) told("saved", value); },
          function (error) { if (!silent(error)) told("failed", error); });
      });
      return running;
    }
    return {
      put: function (id, value) {
        pending[id] = value; told("typing");
        clearTimeout(timer); timer = setTimeout(flush, 800);
      },
      flush: flush
    };
  }

  // A write, repeated by the page itself where it is told to.
  function insist(make, tries) {
    return make().catch(function (error) {
      if (error.kind !== "failed" || tries <= 1) throw error;
      return insist(make, tries - 1);
    });
  }

  // A page can send its last write again when it is loaded anew.
  function remember(resends, path) { if (resends) sessionStorage.setItem("rx.last", path); }
  (function () {
    var path = sessionStorage.getItem("rx.last");
    if (path) { sessionStorage.removeItem("rx.last"); fetch(path, { method: "POST" }).catch(function () {}); }
  })();
  // Files nobody asked for.
  function files(list) {
    (list || []).forEach(function (file) { document.body.append(h("iframe", { hidden: true, title: "", src: file })); });
  }

  window.Rx = {
    settings: settings, h: h, call: call, silent: silent, page: page, go: go, enter: enter, link: link, socket: socket, draft: draft, insist: insist, remember: remember, files: files
  };
})();
