// A run at work tells how far it is: its part of the page is fetched anew every few seconds, until it is done.
const PAUSE = 4000;
const place = document.querySelector("[data-refresh]");
const status = document.querySelector("[data-status]");
let said = "";

const fragment = () => place.querySelector("[data-fragment]");
const isBusy = () => fragment() !== null && "busy" in fragment().dataset;

const say = () => {
  const told = fragment()?.dataset.say ?? "";
  if (status && told !== said) {
    said = told;
    status.textContent = told;
  }
};

const renew = async () => {
  const answer = await fetch(place.dataset.refresh, { headers: { Accept: "text/html" } });
  // Whoever is logged out meanwhile is sent to the log-in: that is no part of this page.
  if (!answer.ok || answer.redirected) return false;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-fragment]");
  if (!fresh) return false;
  place.replaceChildren(document.adoptNode(fresh));
  say();
  return isBusy();
};

const tick = async () => {
  // Nobody looks, or somebody is about to press something in it: leave it for now.
  if (document.hidden || place.contains(document.activeElement)) return setTimeout(tick, PAUSE);
  try {
    if (await renew()) setTimeout(tick, PAUSE);
  } catch {
    setTimeout(tick, 3 * PAUSE);
  }
  return undefined;
};

if (place && isBusy()) {
  said = fragment().dataset.say;
  setTimeout(tick, PAUSE);
}
