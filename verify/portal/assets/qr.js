// The token stands in the fragment, which a browser does not send. It leaves this
// page only when the reader presses the button.
"use strict";
(function () {
  var token = location.hash.slice(1);
  var ask = document.getElementById("ask");
  var result = document.getElementById("result");
  var zh = result.dataset.lang === "zh";
  if (!/^[0-9]{10,2000}$/.test(token)) {
    document.getElementById("none").hidden = false;
    return;
  }
  ask.hidden = false;

  // The other language's link would lose the fragment.
  document.querySelectorAll("a.lang").forEach(function (a) { a.hash = location.hash; });

  function line(parent, tag, text) {
    var e = document.createElement(tag);
    e.textContent = text;
    parent.appendChild(e);
    return e;
  }

  function wordsOf(record) {
    var e = document.querySelector('.word[data-record="' + record + '"]');
    return e ? e.textContent : record;
  }

  // A time as people in China read it; anything else as it is.
  function local(text) {
    if (!/^\d{4}-\d\d-\d\dT/.test(text)) return text;
    return new Date(text).toLocaleString("sv-SE", { timeZone: "Asia/Shanghai" }) + " (UTC+08)";
  }

  function show(rec) {
    result.textContent = "";
    var head = document.createElement("section");
    head.className = "record " + rec.record;
    line(head, "h2", wordsOf(rec.record));
    result.appendChild(head);
    (rec.reasons || []).forEach(function (r) { line(result, "p", zh ? r.zh : r.en); });
    if (rec.fields.length > 0) {
      var card = document.createElement("section");
      card.className = "card";
      var dl = document.createElement("dl");
      rec.fields.forEach(function (f) {
        line(dl, "dt", zh ? f.zh : f.en);
        line(dl, "dd", local(f.value));
      });
      card.appendChild(dl);
      result.appendChild(card);
    }
    document.getElementById("paper").hidden = false;
  }

  document.getElementById("send").addEventListener("click", function () {
    ask.hidden = true;
    result.textContent = result.dataset.working;
    result.focus(); // the button that had it is gone
    fetch("/api/v1/records", {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept-Language": zh ? "zh" : "en" },
      body: JSON.stringify({ token: token }),
    })
      .then(function (r) { return r.ok ? r.json() : Promise.reject(r.status); })
      .then(show)
      .catch(function (status) {
        result.textContent = "";
        line(result, "p", status === 400 ? result.dataset.bad : result.dataset.failed).className = "problem";
        ask.hidden = status === 400;
      });
  });
})();
