// Sorts the boards by a column. The page can be read without it.
"use strict";
for (const section of document.querySelectorAll("section.table")) {
  const board = section.querySelector("table.board");
  const body = board.tBodies[0];
  const status = section.querySelector(".status");
  const view = section.querySelector(".view");
  const buttons = [...board.querySelectorAll("thead button")];
  const written = [...body.rows];

  // What the cells show: score, skill or rank. The style sheet switches it.
  const shown = () => view.querySelector("input:checked").value;

  // Column 0 holds names; the others numbers, of which the view in use is compared. What is missing goes last.
  function key(row, column) {
    if (column === 0) return row.dataset.run;
    const text = row.cells[column].dataset[shown()];
    return text === undefined || text === "" ? null : Number(text);
  }

  function compare(a, b, column, sign) {
    const x = key(a, column), y = key(b, column);
    if (x === null || y === null) return (x === null) - (y === null);
    const order = column === 0 ? x.localeCompare(y, "en", { numeric: true }) : x - y;
    return sign * order || written.indexOf(a) - written.indexOf(b);
  }

  // The better end first: low errors and ranks, high skills.
  function firstDirection(button) {
    if (button.dataset.by === "name" || shown() === "rank") return "ascending";
    if (shown() === "skill") return "descending";
    return button.dataset.better === "low" ? "ascending" : "descending";
  }

  function sort(button, direction) {
    const column = buttons.indexOf(button);
    const rows = [...body.rows].sort((a, b) => compare(a, b, column, direction === "ascending" ? 1 : -1));
    body.append(...rows);
    for (const other of buttons) other.closest("th").setAttribute("aria-sort", other === button ? direction : "none");
    status.textContent = `Sorted by ${button.textContent} (${shown()}), ${direction}.`;
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      const now = button.closest("th").getAttribute("aria-sort");
      const first = firstDirection(button);
      const other = first === "ascending" ? "descending" : "ascending";
      sort(button, now === first ? other : first);
    });
  }

  // Another view keeps the column that is sorted by, its better end first.
  view.addEventListener("change", () => {
    const sorted = buttons.find((button) => button.closest("th").getAttribute("aria-sort") !== "none");
    if (sorted && sorted.dataset.by !== "name") sort(sorted, firstDirection(sorted));
  });
}

// A link to closed replay curves opens them; so does printing.
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
addEventListener("hashchange", openTarget);
addEventListener("beforeprint", () => { for (const part of document.querySelectorAll("details")) part.open = true; });
openTarget();
