// A deployment as it goes on: its log appended line by line, its steps moved on, and what the page says of it anew.
"use strict";
(() => {
  const log = document.getElementById("log");
  const follow = document.getElementById("follow");
  const state = document.getElementById("log-state");
  const steps = document.getElementById("steps");
  // More lines than this make a page slow. Whoever has scrolled up to read keeps more of them under the eyes.
  const KEPT = 2000, KEPT_READING = 8000;

  // Following: the end stays in sight until somebody scrolls away from it.
  let following = true;
  const setFollowing = (on) => {
    following = on;
    follow.setAttribute("aria-pressed", String(on));
    if (on) log.scrollTop = log.scrollHeight;
  };
  log.addEventListener("scroll", () => {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 24;
    if (atEnd !== following) setFollowing(atEnd);
  });
  follow.addEventListener("click", () => setFollowing(!following));
  setFollowing(true);
  // How the deployment ended takes room from the log.
  new ResizeObserver(() => { if (following) log.scrollTop = log.scrollHeight; }).observe(log);

  const address = log.dataset.follow;
  if (!address) return;
  follow.hidden = false;

  let waiting = [];
  let drawn = true;
  const draw = () => {
    drawn = true;
    const rows = document.createDocumentFragment();
    for (const [at, kind, text] of waiting) {
      const row = document.createElement("div"), time = document.createElement("time"), words = document.createElement("span");
      row.className = `row-${kind}`;
      time.textContent = at;
      words.textContent = text;
      row.append(time, " ", words);
      rows.append(row);
    }
    waiting = [];
    log.append(rows);
    cut();
    if (following) log.scrollTop = log.scrollHeight;
  };
  const cut = () => {
    const extra = log.children.length - (following ? KEPT : KEPT_READING);
    if (extra <= 0) return;
    const old = document.createRange();
    old.setStartBefore(log.firstChild);
    old.setEndAfter(log.children[extra - 1]);
    old.deleteContents();
    document.getElementById("log-cut").hidden = false;
  };
  const append = (rows) => {
    waiting.push(...rows);
    if (waiting.length > KEPT_READING) {
      waiting.splice(0, waiting.length - KEPT_READING);
      document.getElementById("log-cut").hidden = false;
    }
    // Not by requestAnimationFrame: a tab in the background has no frames, and would keep all of it waiting.
    if (drawn) { drawn = false; setTimeout(draw, 50); }
  };

  const began = new Map();
  const since = (seconds) => performance.now() - seconds * 1000;
  for (const step of steps.children) if (step.dataset.age) began.set(step, since(Number(step.dataset.age)));
  const stepOf = (name) => {
    for (const step of steps.children) if (step.dataset.step === name) return step;
    const step = document.getElementById("step").content.firstElementChild.cloneNode(true);
    step.dataset.step = name;
    step.querySelector(".step-name").textContent = name;
    step.querySelector("progress").setAttribute("aria-label", name);
    steps.append(step);
    document.getElementById("no-steps").hidden = true;
    return step;
  };
  const move = (news) => {
    const step = stepOf(news.name), bar = step.querySelector("progress"), runs = news.progress === "running";
    step.className = `step is-${news.progress}`;
    step.querySelector(".step-progress").textContent = news.progress;
    step.querySelector(".step-amount").textContent = news.amount;
    bar.hidden = !runs || !news.total;
    if (news.total) [bar.max, bar.value] = [news.total, news.done];
    if (runs) began.set(step, since(news.age)); else began.delete(step);
    step.querySelector(".step-took").textContent = runs ? passed(step) : news.took;
  };
  const passed = (step) => {
    const seconds = Math.floor((performance.now() - began.get(step)) / 1000);
    return seconds < 1 ? "" : seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  };
  setInterval(() => { for (const step of began.keys()) step.querySelector(".step-took").textContent = passed(step); }, 1000);

  const lookAgain = () => { for (const id of ["standing", "outcome"]) htmx.trigger(document.getElementById(id), "potions:look"); };
  const say = (words) => { state.textContent = words; state.hidden = !words; };

  // A browser asks again by itself where a connection breaks, but not where the answer was an error: as while the
  // dashboard or the agent is started anew.
  let last = Number(log.dataset.seen), pause = 1000;
  const connect = () => {
    const events = new EventSource(`${address}?after=${last}`);
    events.addEventListener("open", () => { pause = 1000; say("live"); });
    events.addEventListener("message", (event) => {
      const id = Number(event.lastEventId);
      if (!(id > last)) return;
      last = id;
      const news = JSON.parse(event.data);
      append(news.rows);
      news.steps.forEach(move);
      if (news.status) lookAgain();
    });
    events.addEventListener("end", () => { events.close(); say(""); lookAgain(); follow.hidden = true; });
    events.addEventListener("error", () => {
      say("connecting again …");
      if (events.readyState !== EventSource.CLOSED) return;
      setTimeout(connect, pause);
      pause = Math.min(pause * 2, 10000);
    });
  };
  // Behind the load of the page, which would otherwise wait for a stream that has no end.
  if (document.readyState === "complete") connect();
  else addEventListener("load", connect, { once: true });
})();
