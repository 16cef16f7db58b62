// Tells before it is sent that a file is too large, and that a file is on its way.
const form = document.querySelector("[data-most-mb]");
const told = document.querySelector("[data-told]");

if (form && told) {
  const file = form.querySelector("input[type=file]");
  const button = form.querySelector("button");
  const usual = told.textContent;
  file.addEventListener("change", () => {
    const most = Number(form.dataset.mostMb);
    const tooLarge = file.files[0] && file.files[0].size > most * 1024 * 1024;
    told.textContent = tooLarge ? `This file is larger than ${most} MB: split it, or put it into the inbox.` : usual;
    button.disabled = Boolean(tooLarge);
  });
  form.addEventListener("submit", () => {
    told.textContent = "It is on its way and being looked at. This may take a minute.";
    button.disabled = true;
  });
  // Whoever comes back by the browser's button may press again.
  window.addEventListener("pageshow", () => { button.disabled = false; });
}
