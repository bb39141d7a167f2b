// A terminal in the page: xterm.js over a WebSocket. What is said there stands in schema/terminal.py.
"use strict";
(() => {
  const element = (id) => document.getElementById(id);
  const form = element("console-form");
  const open = element("console-open");
  const run = element("console-run");
  const command = element("f-command");
  const state = element("console-state");
  const frame = element("terminal-frame");
  const place = element("terminal");
  const close = element("console-close");
  const nonce = document.currentScript.nonce;

  // As in schema/terminal.py: bytes on their way at most, and in one frame.
  const WINDOW = 256 * 1024;
  const PIECE = 32 * 1024;
  const KEYS = { interrupt: "\x03", end: "\x04", tab: "\t", escape: "\x1b", up: "\x1b[A", down: "\x1b[B" };

  // The page's policy allows no style but those of its own files and those with its nonce. xterm.js makes some: they
  // get the nonce, and what it would write into an attribute is set as a property, which the policy leaves to scripts.
  const create = document.createElement.bind(document);
  document.createElement = (name, ...more) => {
    const made = create(name, ...more);
    if (name === "style") made.nonce = nonce;
    return made;
  };
  const setAttribute = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function set(name, value) {
    if (name === "style") this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };

  let terminal = null;
  let fit = null;
  let socket = null;
  let waiting = [];
  let room = WINDOW;
  let taken = 0;
  let ended = true;

  const say = (text, bad = false) => {
    state.textContent = text;
    state.classList.toggle("bad", bad);
  };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const theme = () => ({
    background: colour("--sunken"), foreground: colour("--ink"), cursor: colour("--accent"),
    cursorAccent: colour("--sunken"), selectionBackground: colour("--accent"), selectionForeground: colour("--accent-ink"),
  });
  const tell = (message) => { if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message)); };

  // Half a megabyte, which nobody needs who only looks at the page.
  const load = (address) => new Promise((done, failed) => {
    const script = create("script");
    script.src = address;
    script.onload = done;
    script.onerror = () => failed(new Error(address));
    document.head.append(script);
  });
  const make = async () => {
    await load(place.dataset.xterm);
    await load(place.dataset.fit);
    terminal = new Terminal({
      theme: theme(), fontFamily: colour("--mono"), fontSize: matchMedia("(max-width: 40rem)").matches ? 12 : 14,
      cursorBlink: false, scrollback: 5000, screenReaderMode: true, minimumContrastRatio: 4.5,
    });
    fit = new FitAddon.FitAddon();
    terminal.loadAddon(fit);
    terminal.open(place);
    terminal.textarea.setAttribute("aria-label", "Terminal input. Shift+Escape leaves it.");
    terminal.onData((text) => type(new TextEncoder().encode(text)));
    terminal.onBinary((text) => type(Uint8Array.from(text, (one) => one.charCodeAt(0))));
    terminal.onResize(({ cols, rows }) => { if (!ended) tell({ type: "resize", columns: cols, rows }); });
    terminal.attachCustomKeyEventHandler((event) => {
      if (event.key !== "Escape" || !event.shiftKey) return true;
      if (event.type === "keydown") (ended ? open : close).focus();
      return false;
    });
    new ResizeObserver(() => { if (!frame.hidden) fit.fit(); }).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { terminal.options.theme = theme(); });
  };

  const send = () => {
    while (waiting.length && room > 0 && socket) {
      const piece = waiting[0].subarray(0, Math.min(PIECE, room));
      const rest = waiting[0].subarray(piece.length);
      if (rest.length) waiting[0] = rest;
      else waiting.shift();
      room -= piece.length;
      socket.send(piece);
    }
  };
  const type = (bytes) => {
    if (ended || !bytes.length) return;
    waiting.push(bytes);
    send();
  };

  const print = (data) => {
    const bytes = new Uint8Array(data).subarray(1);
    terminal.write(bytes, () => {
      taken += bytes.length;
      if (taken >= WINDOW / 4) { tell({ type: "taken", bytes: taken }); taken = 0; }
    });
  };

  const finish = (text, bad) => {
    if (ended) return;
    ended = true;
    socket = null;
    waiting = [];
    const was = place.contains(document.activeElement) || frame.contains(document.activeElement);
    for (const one of [open, run, command]) one.disabled = false;
    for (const one of frame.querySelectorAll("button")) one.disabled = true;
    open.textContent = "Open console again";
    if (terminal) terminal.options.disableStdin = true;
    say(text, bad);
    if (was) open.focus();
  };

  const hear = (message) => {
    if (message.type === "opened") {
      const what = message.kind ? `${message.kind}: ${message.command}` : message.command;
      say(`${what}, in ${message.slot} (${message.release}).`);
      for (const one of frame.querySelectorAll("button")) one.disabled = false;
      terminal.focus();
    } else if (message.type === "taken") {
      room += message.bytes;
      send();
    } else if (message.type === "ended") {
      const how = message.signal ? `was ended by ${message.signal}` : `ended with status ${message.status}`;
      finish(`It ${how}.${message.why ? ` ${message.why}` : ""}`, message.status !== 0);
    } else if (message.type === "error") {
      finish([message.what, message.why, message.do].filter(Boolean).join(" "), true);
    }
  };

  const begin = async (argv) => {
    if (!ended) return;
    ended = false;
    for (const one of [open, run, command]) one.disabled = true;
    say("Opening …");
    frame.hidden = false;
    try {
      if (!terminal) await make();
    } catch {
      frame.hidden = true;
      finish("The terminal could not be loaded.", true);
      return;
    }
    terminal.reset();
    terminal.options.disableStdin = false;
    fit.fit();
    room = WINDOW;
    taken = 0;
    const mine = new WebSocket(new URL(place.dataset.socket, location.href.replace(/^http/, "ws")));
    socket = mine;
    mine.binaryType = "arraybuffer";
    mine.onopen = () => {
      const size = { columns: terminal.cols, rows: terminal.rows, term: "xterm-256color" };
      mine.send(JSON.stringify({ type: "open", argv, size }));
    };
    mine.onmessage = (event) => {
      if (mine !== socket) return;
      if (typeof event.data === "string") hear(JSON.parse(event.data));
      else print(event.data);
    };
    mine.onclose = () => {
      if (mine === socket) finish("The connection was lost, and the program is ended by that.", true);
    };
  };

  open.addEventListener("click", () => begin(null));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (command.value.trim()) begin(["/bin/sh", "-c", command.value]);
    else command.focus();
  });
  close.addEventListener("click", () => {
    const mine = socket;
    finish("You ended it.", false);
    if (mine) mine.close();
  });
  frame.addEventListener("click", (event) => {
    const key = event.target.closest("[data-key]");
    if (!key) return;
    type(new TextEncoder().encode(KEYS[key.dataset.key]));
    terminal.focus();
  });
  window.addEventListener("beforeunload", (event) => { if (!ended) event.preventDefault(); });
  form.hidden = false;
})();
