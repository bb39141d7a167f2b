// Follows what an app prints: lines are put into the page once a frame, however many come, and never more than fit.
"use strict";
(() => {
  const log = document.getElementById("log");
  const state = document.getElementById("log-state");
  const pause = document.getElementById("log-pause");
  const KEPT = 5000;
  const AGAIN_AFTER = 5000;

  let after = log.dataset.after;
  let waiting = [];
  let dropped = 0;
  let paused = false;
  let drawing = false;
  let source = null;

  const say = (text) => { if (state.textContent !== text) state.textContent = text; };
  const label = () => {
    const number = waiting.length + dropped;
    pause.textContent = paused ? `Continue${number ? ` (${number.toLocaleString("en")} new)` : ""}` : "Pause";
  };

  const span = (kind, text) => {
    const made = document.createElement("span");
    made.className = kind;
    made.textContent = text;
    return made;
  };
  const lineOf = (one) => {
    const line = document.createElement("div");
    line.className = one.gap ? "line gap" : "line";
    if (one.gap) line.textContent = one.slot ? `${one.slot} ${one.process}: ${one.text || "lines were rotated away here before they were read"}` : one.text;
    else line.append(span(`slot-name ${one.slot}`, one.slot), " ", span("process", one.process), " ", span("text", one.text));
    return line;
  };

  const draw = () => {
    drawing = false;
    if (paused || !(waiting.length || dropped)) return;
    const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    const lines = document.createDocumentFragment();
    if (dropped) lines.append(lineOf({ gap: true, text: `${dropped.toLocaleString("en")} lines are not shown here; the file has them` }));
    for (const one of waiting) lines.append(lineOf(one));
    waiting = [];
    dropped = 0;
    document.getElementById("log-empty").hidden = true;
    log.append(lines);
    while (log.childElementCount > KEPT) log.firstElementChild.remove();
    if (follows) log.scrollTop = log.scrollHeight;
  };
  const schedule = () => {
    if (paused) label();
    else if (!drawing) { drawing = true; requestAnimationFrame(draw); }
  };

  const take = (event) => {
    if (event.lastEventId) after = event.lastEventId;
    for (const one of JSON.parse(event.data)) waiting.push(one);
    if (waiting.length > KEPT) {
      dropped += waiting.length - KEPT;
      waiting = waiting.slice(-KEPT);
    }
    schedule();
  };

  const follow = () => {
    const url = new URL(log.dataset.liveUrl, location.href);
    if (after) url.searchParams.set("after", after);
    source = new EventSource(url);
    source.addEventListener("open", () => say(paused ? "Paused: what comes is kept for you." : "Live."));
    source.addEventListener("message", take);
    source.addEventListener("anew", () => {
      after = "";
      waiting = [];
      dropped = 0;
      log.replaceChildren();
    });
    // The server says what is wrong, or the browser gave up: tried again, from where it was.
    const later = (text) => {
      source.close();
      say(text);
      setTimeout(follow, AGAIN_AFTER);
    };
    source.addEventListener("problem", (event) => later(`${JSON.parse(event.data)} It is tried again.`));
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) later("Not live right now. It is tried again.");
      else say("Connecting again …");
    });
  };

  pause.hidden = false;
  document.getElementById("log-again").hidden = true;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    say(paused ? "Paused: what comes is kept for you." : "Live.");
    label();
    schedule();
  });
  log.scrollTop = log.scrollHeight;
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) follow(); });
  follow();
})();
