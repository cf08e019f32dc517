"use strict";
// Makes the page's own links and its refresh replace what has changed, and nothing else: without
// it the same links load the page anew.
(() => {
  const all = (selector, of = document) => [...of.querySelectorAll(selector)];
  const body = document.body, filter = document.getElementById("filter");
  const live = document.getElementById("live");
  let timer = 0, turn = 0;
  document.documentElement.classList.add("js");

  // Rows whose section, name or state has every word.
  const narrow = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const section of all("main>section")) {
      let any = false;
      for (const row of all("tbody tr", section)) {
        const text = `${section.dataset.name}/${row.dataset.name} ${row.dataset.state}`.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        any ||= !row.hidden;
      }
      section.hidden = !any;
    }
  };

  // What has the focus keeps it: the link in its place, or the box of the same server.
  const swap = (ours, theirs) => {
    if (!ours || !theirs) return;
    const had = document.activeElement, at = ours.contains(had) ? all("a,input", ours).indexOf(had) : -1;
    ours.replaceWith(document.adoptNode(theirs));
    const of = all("a,input", theirs);
    const now = had.name === "s" ? of.find((box) => box.value === had.value) : of[at];
    if (at >= 0 && now) now.focus({ preventScroll: true });
  };

  const fill = (doc, moved) => {
    for (const id of ["facts", "tiles"]) swap(document.getElementById(id), doc.getElementById(id));
    if (moved) {
      swap(document.querySelector("nav"), doc.querySelector("nav"));
      all(".said").forEach((said) => said.remove());
    }
    const ours = all("main>section"), theirs = all("main>section", doc);
    if (ours.map((one) => one.id).join("\n") !== theirs.map((one) => one.id).join("\n")) {
      swap(document.querySelector("main"), doc.querySelector("main"));
    } else {
      ours.forEach((section, at) => {
        const ticked = all("tbody input:checked", section).map((box) => box.value);
        for (const part of moved ? ["thead", "colgroup", "tbody"] : ["colgroup", "tbody"]) {
          swap(section.querySelector(part), theirs[at].querySelector(part));
        }
        const token = section.querySelector("input[name=t]"), next = theirs[at].querySelector("input[name=t]");
        if (token && next) token.value = next.value;
        const form = section.querySelector("form");
        if (moved && form) form.action = theirs[at].querySelector("form").getAttribute("action");
        for (const box of all("tbody input", section)) box.checked = ticked.includes(box.value);
      });
    }
    body.dataset.refresh = doc.body.dataset.refresh;
    body.dataset.self = doc.body.dataset.self;
    narrow();
  };

  const load = async (url, moved) => {
    const mine = ++turn;
    try {
      const answer = await fetch(url, { credentials: "same-origin", cache: "no-store" });
      if (!answer.ok) throw new Error(`answered ${answer.status}`);
      const doc = new DOMParser().parseFromString(await answer.text(), "text/html");
      // Somebody has asked for another view meanwhile.
      if (mine !== turn) return;
      fill(doc, moved);
      live.textContent = `as of ${new Date().toLocaleTimeString()}`;
      live.classList.remove("lost");
      live.removeAttribute("role");
      if (moved) history.replaceState(null, "", url);
    } catch (error) {
      if (mine !== turn) return;
      live.textContent = `cannot refresh: ${error.message}`;
      live.classList.add("lost");
      // Read out, where a page is heard; the time of each refresh is not.
      live.setAttribute("role", "alert");
    }
    next();
  };

  const next = () => {
    clearTimeout(timer);
    const seconds = Number(body.dataset.refresh);
    if (seconds > 0) {
      timer = setTimeout(() => (document.hidden ? next() : load(body.dataset.self, false)), seconds * 1000);
    }
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-view]");
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (link && plain) {
      event.preventDefault();
      load(link.getAttribute("href"), true);
    }
  });
  document.addEventListener("change", (event) => {
    const it = event.target;
    if (it.name === "action") it.form.classList.toggle("weighs", it.value === "weight");
    if (it.classList.contains("all")) {
      for (const box of all("tbody tr:not([hidden]) input", it.closest("section"))) box.checked = it.checked;
    }
  });
  filter.addEventListener("input", narrow);
  next();
})();
