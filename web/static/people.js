// Narrows the stores of an account while somebody types, and counts what is ticked. Without it a button does.
"use strict";

for (const picker of document.querySelectorAll("[data-picker]")) {
  const find = picker.querySelector("#find");
  const rows = [...picker.querySelectorAll(".form-check")];
  const counted = picker.querySelector("[data-count]");
  const all = rows.length;

  const count = () => {
    const ticked = rows.filter((row) => row.querySelector("input").checked).length;
    counted.textContent = counted.textContent.replace(/^\d+/, String(ticked));
  };

  const narrow = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const fits = row.querySelector("input").checked || words.every((word) => text.includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    picker.closest("form").elements.found.value = find.value.trim().replace(/\s+/g, " ");
    picker.querySelector("[data-told]").textContent = words.length ? `${shown} of ${all} shown.` : "";
  };

  picker.addEventListener("change", count);
  if (find && !find.value) {
    // All stores are here: nobody has to ask the server.
    picker.querySelector("[data-narrow]").hidden = true;
    find.addEventListener("input", narrow);
    find.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
  }
}
