// The questions inside the redesigned application: sends the answers and tells the page around them.
(function () {
  "use strict";
  var form = document.querySelector("form");
  var wrong = form.querySelector(".wk-warn");
  function say(words) { wrong.textContent = words; wrong.hidden = false; }
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    var data = new FormData(form);
    var weeks = String(data.get("q-weeks") || "").trim();
    if (!/^\d{1,3}$/.test(weeks) || !data.get("q-recent") || !data.get("q-weak")) { say("Answer all questions."); return; }
    var body = { weeks: Number(weeks), recent: data.get("q-recent"), weakness: data.get("q-weak") };
    fetch("/api/questionnaires", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })
      .then(function (answer) {
        if (!answer.ok) throw new Error("refused");
        window.parent.postMessage({ kind: "answered" }, location.origin);
      })
      .catch(function () { say("The answers could not be saved."); });
  });
})();
