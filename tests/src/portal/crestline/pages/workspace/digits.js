// Six boxes for the six digits of a code: each takes one and goes on to the next; a pasted code fills them all.
(function () {
  "use strict";
  var boxes = Array.prototype.slice.call(document.querySelectorAll(".wk-digits input"));
  boxes.forEach(function (box, place) {
    box.addEventListener("input", function () {
      box.value = box.value.replace(/\D/g, "").slice(-1);
      if (box.value && boxes[place + 1]) boxes[place + 1].focus();
    });
    box.addEventListener("keydown", function (event) {
      if (event.key === "Backspace" && !box.value && place > 0) boxes[place - 1].focus();
    });
    box.addEventListener("paste", function (event) {
      var digits = event.clipboardData.getData("text").replace(/\D/g, "");
      event.preventDefault();
      boxes.forEach(function (other, i) { if (digits[i - place] && i >= place) other.value = digits[i - place]; });
    });
  });
})();
