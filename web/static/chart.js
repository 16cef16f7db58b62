// Puts the drawing of an alert into its page, so that pointing at a week, or going there with the arrow keys,
// tells its figures. Without this script the drawing is a picture, and the numbers stand in the table below.
const drawingOf = async (picture) => {
  const answer = await fetch(picture.src, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`no drawing: ${answer.status}`);
  // Its style is the page's stylesheet here; even to read the one inside goes against the page's policy.
  const text = (await answer.text()).replace(/<style>[^]*?<\/style>/, "");
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
  const drawing = parsed.documentElement;
  if (!(drawing instanceof SVGSVGElement)) throw new Error("that is no drawing");
  // Nothing that could run comes in.
  drawing.querySelectorAll("style, script, foreignObject, a").forEach((part) => part.remove());
  return document.adoptNode(drawing);
};

const lookAfter = (drawing, told) => {
  const weeks = [...drawing.querySelectorAll('[class*="week_"] path[aria-label]')];
  if (!weeks.length) return;
  const hint = told.textContent;
  let pointed = null;

  const point = (week) => {
    if (pointed === week) return;
    pointed?.classList.remove("pointed");
    week?.classList.add("pointed");
    pointed = week;
    told.textContent = week ? week.getAttribute("aria-label") : hint;
  };
  // One stop for the tab key; from there the arrows go on.
  const stop = (week) => weeks.forEach((each) => each.setAttribute("tabindex", each === week ? "0" : "-1"));
  const under = (x) => weeks.find((week) => {
    const box = week.getBoundingClientRect();
    return x >= box.left && x < box.right;
  });
  const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -4, PageDown: 4, Home: -weeks.length, End: weeks.length };

  weeks.forEach((week, place) => {
    week.setAttribute("role", "img");
    week.addEventListener("focus", () => { stop(week); point(week); });
    week.addEventListener("blur", () => point(null));
    week.addEventListener("keydown", (event) => {
      const step = steps[event.key];
      if (!step) return;
      event.preventDefault();
      weeks[Math.min(Math.max(place + step, 0), weeks.length - 1)].focus();
    });
  });
  drawing.addEventListener("pointermove", (event) => point(under(event.clientX) ?? null));
  drawing.addEventListener("pointerdown", (event) => point(under(event.clientX) ?? null));
  drawing.addEventListener("pointerleave", (event) => {
    // A finger that is lifted leaves its week told.
    if (event.pointerType === "mouse") point(weeks.find((week) => week === document.activeElement) ?? null);
  });
  // The first week that is still to come is where most look first.
  stop(weeks.find((week) => week.getAttribute("aria-label").includes("demand")) ?? weeks[0]);
};

document.querySelectorAll("img[data-drawing]").forEach(async (picture) => {
  try {
    const drawing = await drawingOf(picture);
    drawing.setAttribute("role", "group");
    drawing.setAttribute("aria-label", picture.alt);
    drawing.setAttribute("class", "drawing");
    drawing.querySelector("title")?.remove();
    const told = picture.closest("section").querySelector(".told-week");
    told.hidden = false;
    picture.replaceWith(drawing);
    lookAfter(drawing, told);
  } catch {
    // The picture stays.
  }
});
