// With a script at hand, one press ticks all alerts of the page for what is done to them together.
const together = document.querySelector("#together .together");
const ticks = [...document.querySelectorAll('.alerts input[name="alert"]')];
if (together && ticks.length > 1) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-outline-secondary tick-all";
  const all = () => ticks.every((tick) => tick.checked);
  const tell = () => { button.textContent = all() ? "Tick none" : "Tick all on this page"; };
  button.addEventListener("click", () => {
    const value = !all();
    ticks.forEach((tick) => { tick.checked = value; });
    tell();
  });
  ticks.forEach((tick) => tick.addEventListener("change", tell));
  tell();
  together.prepend(button);
}
