// The token stands in the fragment, which the browser does not send. It leaves
// this page only when the reader presses the button.
"use strict";
(function () {
  var token = location.hash.slice(1);
  var ask = document.getElementById("ask");
  var result = document.getElementById("result");
  if (!/^[0-9]{10,4000}$/.test(token)) {
    document.getElementById("none").hidden = false;
    return;
  }
  ask.hidden = false;

  function line(parent, tag, text, cls) {
    var e = document.createElement(tag);
    e.textContent = text;
    if (cls) e.className = cls;
    parent.appendChild(e);
    return e;
  }

  function show(rec) {
    result.textContent = "";
    var head = document.createElement("section");
    head.className = "record " + rec.record;
    line(head, "h2", result.getAttribute("data-" + rec.record) || rec.record);
    result.appendChild(head);
    var card = document.createElement("section");
    card.className = "card";
    var dl = document.createElement("dl");
    (rec.fields || []).forEach(function (f) {
      line(dl, "dt", result.dataset.lang === "zh" ? f.zh : f.en);
      line(dl, "dd", f.value);
    });
    card.appendChild(dl);
    result.appendChild(card);
    document.getElementById("paper").hidden = false;
  }

  document.getElementById("send").addEventListener("click", function () {
    ask.hidden = true;
    result.textContent = result.dataset.working;
    fetch("/api/v1/records", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: token }),
    })
      .then(function (r) { return r.json().then(function (body) { return r.ok ? body : Promise.reject(body); }); })
      .then(show)
      .catch(function (problem) {
        result.textContent = "";
        line(result, "p", (problem && problem.title) || result.dataset.failed, "problem");
        ask.hidden = false;
      });
  });
})();
