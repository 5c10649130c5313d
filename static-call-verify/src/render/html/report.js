"use strict";
(() => {
  const form = document.getElementById("filter");
  if (!form) return;
  // Keys opened by a filter with at most this many results.
  const FEW = 200;
  const names = ["text", "key", "path", "update", "grade", "kind", "reason"];
  const keys = [...document.querySelectorAll("details.key")].map((element) => ({
    element,
    index: element.dataset.key,
    title: element.querySelector("summary").textContent.toLowerCase(),
    rows: [...element.querySelectorAll("li.row")].map((row) => ({ row, text: null })),
  }));
  const total = keys.reduce((sum, key) => sum + key.rows.length, 0);

  const textOf = (entry) => {
    if (entry.text === null) {
      // The titles of drawings are not searched.
      const parts = entry.row.querySelectorAll(".what, .where");
      entry.text = [...parts].map((part) => part.textContent).join(" ").toLowerCase();
    }
    return entry.text;
  };

  const apply = (unfold) => {
    const wanted = Object.fromEntries(names.map((name) => [name, form.elements[name].value]));
    const text = wanted.text.trim().toLowerCase();
    const attributes = ["path", "update", "grade", "kind", "reason"].filter((name) => wanted[name]);
    const filtered = names.some((name) => wanted[name].trim());
    let shown = 0;
    for (const key of keys) {
      const fits = wanted.key === "" || wanted.key === key.index;
      const titled = text !== "" && key.title.includes(text);
      key.shown = 0;
      for (const entry of key.rows) {
        const row = entry.row;
        const yes = fits && attributes.every((name) => row.dataset[name] === wanted[name])
          && (text === "" || titled || textOf(entry).includes(text));
        if (row.hidden === yes) row.hidden = !yes;
        if (yes) key.shown += 1;
      }
      // A key that nothing calls has no rows that could match.
      const bare = fits && key.rows.length === 0 && !attributes.length && (text === "" || titled);
      key.element.hidden = filtered && key.shown === 0 && !bare;
      shown += key.shown;
    }
    if (filtered && unfold && shown <= FEW) {
      for (const key of keys) if (key.shown) key.element.open = true;
    }
    const output = document.getElementById("shown");
    output.textContent = filtered ? `${shown} of ${total} shown` : output.dataset.all;
    document.getElementById("nothing").hidden = keys.some((key) => !key.element.hidden);
    form.classList.toggle("active", filtered);
  };

  const save = () => {
    const pairs = names.map((name) => [name, form.elements[name].value]).filter(([, v]) => v);
    const hash = new URLSearchParams(pairs).toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  };

  const load = () => {
    const hash = location.hash.slice(1);
    // A plain name is a place in the page.
    if (hash && !hash.includes("=")) return false;
    const pairs = new URLSearchParams(hash);
    for (const name of names) {
      const field = form.elements[name];
      field.value = pairs.get(name) ?? "";
      if (field.selectedIndex === -1) field.value = "";
    }
    return hash !== "";
  };

  const setOpen = (open) => {
    for (const key of keys) if (!key.element.hidden) key.element.open = open;
  };

  // Wait for the layout: rows that have not been drawn yet have no height.
  const show = () => requestAnimationFrame(() => document.getElementById("keys").scrollIntoView());

  let timer = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => { apply(true); save(); }, 120);
  });
  form.addEventListener("reset", () => setTimeout(() => { apply(false); save(); }));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("unfold").addEventListener("click", () => setOpen(true));
  document.getElementById("fold").addEventListener("click", () => setOpen(false));
  addEventListener("hashchange", () => {
    if (!load()) return;
    apply(true);
    show();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, select, textarea");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    form.elements.text.focus();
  });

  form.hidden = false;
  const asked = load();
  apply(asked);
  if (asked) addEventListener("load", show);
})();
