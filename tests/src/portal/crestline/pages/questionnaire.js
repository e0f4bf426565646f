// The questionnaire inside the application: sends the answers and tells the page around it.
(function () {
  "use strict";
  var form = document.getElementById("answers");
  var alert = form.querySelector(".alert");
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    var data = new FormData(form);
    var weeks = String(data.get("weeks") || "").trim();
    if (!/^\d{1,3}$/.test(weeks) || !data.get("recent") || !data.get("weakness")) {
      alert.textContent = "Answer all questions.";
      alert.hidden = false;
      return;
    }
    var body = { weeks: Number(weeks), recent: data.get("recent"), weakness: data.get("weakness") };
    fetch("/api/questionnaires", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })
      .then(function (answer) {
        if (!answer.ok) throw new Error("refused");
        window.parent.postMessage({ kind: "answered" }, location.origin);
      })
      .catch(function () { alert.textContent = "The answers could not be saved."; alert.hidden = false; });
  });
})();
