// The map tells the cell under the pointer or the focus; the planner lets dates be dragged and weighs them at once.
// Everything here is a comfort: the pages do the same with fields, links and buttons alone.
const DAY = 86400000;
const PAUSE = 150;
// The handles begin so far above the plot, in units of the drawing, where its own labels would stand.
const ABOVE = 40;

const map = document.querySelector(".scroll.map");
if (map) {
  const readout = document.querySelector(".readout");
  const heads = [...map.querySelectorAll("thead tr:last-child th")];
  const cells = [...map.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("td:not(.total)")]);
  let place = [0, Math.max(heads.slice(2).findIndex((head) => head.classList.contains("n")), 0)];
  map.classList.add("scripted");

  const tell = (cell) => {
    const name = cell.parentElement.querySelector(".name a").textContent.trim();
    const told = cell.querySelector("i");
    readout.textContent = told ? `${name}, ${told.textContent}` : "";
  };
  const stand = (row, column) => {
    cells[place[0]][place[1]].tabIndex = -1;
    place = [Math.min(Math.max(row, 0), cells.length - 1), Math.min(Math.max(column, 0), cells[0].length - 1)];
    const cell = cells[place[0]][place[1]];
    cell.tabIndex = 0;
    return cell;
  };
  stand(...place);
  map.addEventListener("pointerover", (event) => {
    const cell = event.target.closest("tbody td:not(.total)");
    if (cell) tell(cell);
  });
  map.addEventListener("focusin", (event) => {
    if (event.target.matches("tbody td")) tell(event.target);
  });
  map.addEventListener("click", (event) => {
    const cell = event.target.closest("tbody td:not(.total)");
    if (!cell) return;
    const row = cells.findIndex((each) => each.includes(cell));
    stand(row, cells[row].indexOf(cell)).focus();
  });
  map.addEventListener("keydown", (event) => {
    if (!event.target.matches("tbody td")) return;
    const [row, column] = place;
    const to = {
      ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
      ArrowUp: [row - 1, column], ArrowDown: [row + 1, column],
      Home: [row, 0], End: [row, cells[0].length - 1],
    }[event.key];
    if (!to) return;
    event.preventDefault();
    stand(...to).focus();
  });
  // On a narrow screen the map opens at this week.
  const now = cells[0][place[1]];
  if (now.offsetLeft + 6 * now.offsetWidth > map.clientWidth) {
    map.scrollLeft = now.offsetLeft - map.querySelector("tbody .name").offsetWidth - now.offsetWidth;
  }
}

// The label of the plan that is pointed at, or that the tab key has reached, stands below the drawing.
for (const way of ["pointerover", "focusin"]) {
  document.addEventListener(way, (event) => {
    const mark = event.target.closest?.(".frontier .mark");
    if (mark) mark.closest("section").querySelector(".told-mark").textContent = mark.getAttribute("aria-label");
  });
}

const form = document.getElementById("plan-form");
if (form) {
  const stage = document.querySelector(".stage");
  const chart = JSON.parse(stage.dataset.chart);
  const dayOf = (text) => Date.parse(`${text}T00:00:00Z`) / DAY;
  const textOf = (day) => new Date(day * DAY).toISOString().slice(0, 10);
  const first = dayOf(chart.first_day);
  const last = dayOf(chart.last_day);
  const known = dayOf(stage.dataset.known);
  const written = new Intl.DateTimeFormat(stage.dataset.locale, { day: "numeric", month: "long", timeZone: "UTC" });
  const handles = [];

  // The exit is the last day on the floor, so its line stands where that day ends.
  const partOf = (day, isExit) =>
    (chart.plot_left + (chart.plot_width * (day - first + (isExit ? 1 : 0))) / (last - first + 1)) / chart.width;
  const dayAt = (x, isExit) => {
    const box = stage.getBoundingClientRect();
    const part = ((x - box.left) / box.width) * chart.width;
    return Math.round(((part - chart.plot_left) / chart.plot_width) * (last - first + 1)) + first - (isExit ? 1 : 0);
  };

  const place = (handle) => {
    const day = dayOf(handle.field.value);
    const off = handle.percent ? handle.percent.value : "";
    const shown = handle.field.value !== "" && day >= first - 1 && day <= last;
    handle.button.hidden = !shown;
    if (!shown) return;
    const told = written.format(new Date(day * DAY));
    handle.button.style.left = `${100 * partOf(day, handle.isExit)}%`;
    handle.label.textContent = off ? `${off}% ${told}` : `${handle.name} ${told}`;
    handle.button.setAttribute("aria-valuenow", String(day));
    handle.button.setAttribute("aria-valuetext", off ? `${off} percent off from ${told}` : told);
  };

  const move = (handle, day) => {
    const least = Math.max(first, known + 1);
    handle.field.value = textOf(Math.min(Math.max(day, least), last));
    place(handle);
    later();
  };

  const handleOf = (field, name, row, percent) => {
    const button = document.createElement("button");
    const label = document.createElement("span");
    const handle = { field, name, percent, button, label, isExit: field.id === "exit" };
    button.type = "button";
    button.className = percent ? "handle markdown" : "handle";
    if (field.id === "floor_set") button.classList.add("start");
    button.setAttribute("role", "slider");
    button.setAttribute("aria-label", name);
    button.setAttribute("aria-valuemin", String(Math.max(first, known + 1)));
    button.setAttribute("aria-valuemax", String(last));
    button.style.top = `${(100 * (chart.plot_top - ABOVE)) / chart.height}%`;
    button.style.height = `${(100 * (chart.plot_height + ABOVE)) / chart.height}%`;
    button.style.setProperty("--grip", `${row * 24}px`);
    button.append(label);
    button.addEventListener("pointerdown", (event) => {
      button.setPointerCapture(event.pointerId);
      button.classList.add("held");
      button.focus();
      event.preventDefault();
    });
    button.addEventListener("pointermove", (event) => {
      if (button.hasPointerCapture(event.pointerId)) move(handle, dayAt(event.clientX, handle.isExit));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      button.addEventListener(end, () => button.classList.remove("held"));
    }
    button.addEventListener("keydown", (event) => {
      const day = dayOf(field.value);
      const to = {
        ArrowLeft: day - 1, ArrowDown: day - 1, ArrowRight: day + 1, ArrowUp: day + 1,
        PageDown: day - 7, PageUp: day + 7, Home: known + 1, End: last,
      }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      move(handle, to);
    });
    stage.append(button);
    return handle;
  };

  const movable = (field) => field && !field.readOnly;
  const fields = [...form.querySelectorAll('input[type="date"]')];
  let row = 1;
  for (const field of fields) {
    if (!movable(field)) continue;
    const [, step] = /^markdown_day_(\d+)$/.exec(field.id) || [];
    const percent = step ? document.getElementById(`percent_off_${step}`) : null;
    const name = field.id === "exit" ? "Exit" : step ? `Markdown ${step}` : "Floor-set";
    handles.push(handleOf(field, name, step ? row++ : 0, percent));
  }
  handles.forEach(place);
  stage.classList.add("movable");
  for (const hint of document.querySelectorAll(".with-script")) hint.hidden = false;

  const said = document.getElementById("said");
  const question = () => {
    const asked = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value !== "" || name === "exit" || name === "floor_set") asked.append(name, value);
    return asked;
  };
  let waiting;
  let asking = false;
  let again = false;

  const show = (fresh) => {
    const part = document.getElementById("weighed");
    const open = [...part.querySelectorAll("details")].map((each) => each.open);
    part.replaceWith(fresh);
    fresh.querySelectorAll("details").forEach((each, place) => { each.open = Boolean(open[place]); });
    history.replaceState(null, "", fresh.dataset.address);
    const proposes = fresh.querySelector("[data-proposes]");
    if (proposes) document.getElementById("proposes").textContent = proposes.textContent;
    said.textContent = fresh.dataset.verdict;
    said.classList.add("moved");
    said.classList.toggle("refused", "refused" in fresh.dataset);
  };

  // One question at a time: what has changed meanwhile is asked when the answer is there.
  const weigh = async (isFirst) => {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      const answer = await fetch(`${form.dataset.weigh}?${question()}`);
      if (answer.redirected || !answer.ok) throw new Error(answer.statusText);
      const text = await answer.text();
      // The first answer only makes the numbers ready; the page has them already.
      if (!isFirst && !again) show(new DOMParser().parseFromString(text, "text/html").getElementById("weighed"));
    } catch {
      if (!isFirst) {
        document.getElementById("weighed").classList.remove("waiting");
        said.textContent = "It could not be weighed just now. Press Weigh it.";
      }
    } finally {
      asking = false;
      if (again) {
        again = false;
        weigh(false);
      }
    }
  };
  function later() {
    clearTimeout(waiting);
    document.getElementById("weighed").classList.add("waiting");
    waiting = setTimeout(() => weigh(false), PAUSE);
  }
  form.addEventListener("input", () => {
    handles.forEach(place);
    later();
  });
  // The numbers behind the plans are read while the page is looked at, so that the first move is quick.
  weigh(true);
}
