// What pages do by themselves where scripts run: look again at their live parts, copy, and say when Potions is away.
"use strict";
(() => {
  const away = document.getElementById("away");

  // Parts that are fetched anew: only while somebody looks, and never while something in them is being used.
  const inUse = (part) => part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
  const look = (part) => {
    if (document.visibilityState === "visible" && !inUse(part)) htmx.trigger(part, "potions:look");
  };
  const due = new Map();
  setInterval(() => {
    for (const part of document.querySelectorAll("[data-live]")) {
      const left = (due.get(part.id) ?? Number(part.dataset.live)) - 1;
      if (left <= 0) look(part);
      due.set(part.id, left <= 0 ? Number(part.dataset.live) : left);
    }
  }, 1000);
  document.addEventListener("visibilitychange", () => document.querySelectorAll("[data-live]").forEach(look));

  const gone = (isGone) => { away.hidden = !isGone; };
  document.addEventListener("htmx:sendError", () => gone(true));
  document.addEventListener("htmx:timeout", () => gone(true));
  document.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status >= 502 || event.detail.xhr.status === 503) gone(true); });
  document.addEventListener("htmx:afterOnLoad", (event) => { if (event.detail.successful) gone(false); });

  // The page that says that Potions is away goes on to what was asked for once it is back.
  const again = document.querySelector("[data-again]")?.dataset.again;
  const tryAgain = async () => {
    const answer = await fetch(again, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (answer && answer.status < 500) location.replace(again);
    else setTimeout(tryAgain, 2000);
  };
  if (again) setTimeout(tryAgain, 2000);

  // On a narrow screen the tab that one is on may be out of sight.
  const tab = document.querySelector(".tabs [aria-current]");
  if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - (tab.parentElement.clientWidth - tab.offsetWidth) / 2;

  // Copying needs a script, so its buttons are hidden until one runs.
  const prepare = (root) => {
    for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  });
  document.addEventListener("htmx:afterSwap", (event) => prepare(event.target));
  prepare(document);

  // A form is sent once, however often its button is pressed. One that a script sends leaves the page, and the focus, where
  // they are.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button && event.target.method === "post" && !event.defaultPrevented) setTimeout(() => { button.disabled = true; setTimeout(() => { button.disabled = false; }, 5000); });
  });
})();
