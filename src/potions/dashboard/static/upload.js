// Sends files into a folder of a storage: chosen or dropped, one after another, with progress, and asks where one is there.
"use strict";
(() => {
  const box = document.getElementById("upload");
  if (!box) return;
  const part = (name) => document.getElementById(`upload-${name}`);
  const { base, folder } = box.dataset;
  const token = JSON.parse(document.body.getAttribute("hx-headers"))["x-csrftoken"];
  box.hidden = false;

  let queue = [];
  let sending = null;
  let running = false;
  let cancelled = false;
  let forAll = null;
  const done = { files: 0, skipped: 0, failed: 0, bytes: 0, total: 0 };

  const size = (bytes) => {
    const units = ["bytes", "kB", "MB", "GB", "TB"];
    let unit = 0;
    while (bytes >= 999.5 && unit < units.length - 1) { bytes /= 1000; unit += 1; }
    return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`;
  };
  const files = (number) => `${number.toLocaleString("en")} ${number === 1 ? "file" : "files"}`;

  // Paths

  // A name may be half a character, which no address can hold; it is refused like any other that cannot be sent.
  const encoded = (path) => path.split("/").map(encodeURIComponent).join("/");
  const address = (route, path, more = "") => `${base}/${route}?path=${folder ? `${folder}/` : ""}${encoded(path)}${more}`;
  const numbered = (path, number) => {
    const [, start, name, end] = /^(.*\/)?([^/]+?)(\.[^./]*)?$/.exec(path);
    return `${start ?? ""}${name} (${number})${end ?? ""}`;
  };

  // Asking the server

  const words = (told) => [told.what, told.why, told.do].filter(Boolean).join(" ");
  const lost = "It did not arrive. Perhaps the connection broke, or you are signed out: load the page again.";
  const there = async (path) => {
    const answer = await fetch(address("entry", path), { headers: { Accept: "application/json" } });
    const told = await answer.json();
    if (answer.ok) return told?.kind ?? "";
    throw new Error(words(told));
  };
  const freeName = async (path) => {
    for (let number = 2; number < 1000; number += 1) {
      const next = numbered(path, number);
      if (!await there(next)) return next;
    }
    throw new Error("Too many files have that name already.");
  };

  // One file

  const send = (item, path, replace) => new Promise((resolve, reject) => {
    const request = sending = new XMLHttpRequest();
    request.open("PUT", address("file", path, replace ? "&replace=true" : ""));
    request.setRequestHeader("x-csrftoken", token);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => show(item, event.loaded));
    request.addEventListener("load", () => {
      let told;
      try { told = JSON.parse(request.responseText); } catch { return reject(new Error(lost)); }
      return request.status < 300 ? resolve() : reject(Object.assign(new Error(words(told)), { code: told.code }));
    });
    request.addEventListener("error", () => reject(new Error(lost)));
    request.addEventListener("abort", () => reject(Object.assign(new Error("Cancelled."), { code: "cancelled" })));
    request.send(item.file);
  });

  const put = async (item) => {
    let path = item.path;
    let replace = false;
    const kind = await there(path);
    if (kind) {
      const choice = forAll ?? await ask(path, kind);
      if (choice === "skip") return "skipped";
      if (choice === "both") path = await freeName(path);
      replace = choice === "replace";
    }
    if (cancelled) return "cancelled";
    await send(item, path, replace);
    return path === item.path ? "there" : `there, as ${path}`;
  };

  // The question

  const ask = (path, kind) => new Promise((resolve) => {
    const asked = part("ask");
    const question = part("question");
    question.textContent = kind === "file" ? `${path} is there already.` : `${path} is there already, and is no file (${kind}).`;
    asked.querySelector('[data-choice="replace"]').hidden = kind !== "file";
    asked.hidden = false;
    question.focus();
    const answer = (choice) => {
      asked.hidden = true;
      asked.removeEventListener("click", clicked);
      if (part("rest").checked && kind === "file") forAll = choice;
      resolve(choice);
    };
    const clicked = (event) => { if (event.target.dataset.choice) answer(event.target.dataset.choice); };
    asked.addEventListener("click", clicked);
    giveUp = () => answer("skip");
  });
  let giveUp = () => {};

  // What is seen

  const ROWS = 200;
  const row = (item) => {
    const list = part("list");
    const line = document.createElement("li");
    const name = document.createElement("bdi");
    const state = document.createElement("span");
    const bar = document.createElement("progress");
    name.textContent = item.path;
    state.textContent = size(item.file.size);
    state.className = "muted";
    bar.max = Math.max(1, item.file.size);
    bar.value = 0;
    bar.setAttribute("aria-label", item.path);
    line.append(name, bar, state);
    list.append(line);
    // A folder of many files would make the page heavy: what is over and went well goes first.
    if (list.children.length > ROWS) (list.querySelector("li.over:not(.failed)") ?? list.firstElementChild).remove();
    Object.assign(item, { line, bar, state });
  };
  const show = (item, loaded) => {
    item.bar.value = loaded;
    part("total").value = done.total ? (done.bytes + loaded) / done.total : 1;
    part("said").dataset.at = "";
  };
  const end = (item, said, failed) => {
    item.bar.remove();
    item.state.textContent = said;
    item.line.classList.add("over");
    item.line.classList.toggle("failed", failed);
    done.bytes += item.file.size;
    show(item, 0);
  };
  const say = () => {
    const left = queue.length + (running ? 1 : 0);
    part("said").textContent = left
      ? `Sending ${files(left)}, ${size(done.total - done.bytes)} …`
      : [`${files(done.files)} arrived`, done.skipped && `${done.skipped} skipped`, done.failed && `${done.failed} did not arrive`].filter(Boolean).join(", ") + ".";
    part("cancel").hidden = !left;
  };

  const run = async () => {
    if (running) return;
    running = true;
    cancelled = false;
    forAll = null;
    part("rest").checked = false;
    for (let item = queue.shift(); item; item = queue.shift()) {
      say();
      row(item);
      try {
        const said = await put(item);
        if (said.startsWith("there")) done.files += 1; else done.skipped += 1;
        end(item, said, false);
      } catch (error) {
        if (error.code === "cancelled") done.skipped += 1; else done.failed += 1;
        end(item, error instanceof URIError ? "Its name cannot be sent." : error.message, error.code !== "cancelled");
      }
      sending = null;
    }
    running = false;
    say();
    if (done.files && !done.failed && !done.skipped) location.reload();
    else if (done.files) again.hidden = false;
  };
  const again = document.createElement("p");
  const link = document.createElement("a");
  link.href = location.href;
  link.textContent = "Show the folder as it is now";
  again.append(link);
  again.hidden = true;
  part("all").append(again);

  const add = (items) => {
    if (!items.length) return;
    part("all").hidden = false;
    again.hidden = true;
    if (!running) Object.assign(done, { files: 0, skipped: 0, failed: 0, bytes: 0, total: 0 });
    for (const item of items) done.total += item.file.size;
    queue = queue.concat(items);
    run();
  };
  part("cancel").addEventListener("click", () => {
    cancelled = true;
    done.skipped += queue.length;
    for (const item of queue) done.total -= item.file.size;
    queue = [];
    sending?.abort();
    giveUp();
  });

  // Where files come from

  const input = document.getElementById("f-upload");
  input.addEventListener("change", () => {
    add([...input.files].map((file) => ({ file, path: file.name })));
    input.value = "";
  });
  const entriesOf = async (folderEntry) => {
    const reader = folderEntry.createReader();
    const all = [];
    // A browser gives a hundred at a time.
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return all;
      all.push(...some);
    }
  };
  const walk = async (entry, before, found) => {
    const path = before + entry.name;
    if (entry.isFile) found.push({ path, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) });
    else for (const inside of await entriesOf(entry)) await walk(inside, `${path}/`, found);
  };
  const isFiles = (event) => [...event.dataTransfer.types].includes("Files");
  addEventListener("dragover", (event) => {
    if (!isFiles(event)) return;
    event.preventDefault();
    box.classList.add("over");
  });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) box.classList.remove("over"); });
  addEventListener("drop", async (event) => {
    if (!isFiles(event)) return;
    event.preventDefault();
    box.classList.remove("over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const found = [];
    try {
      for (const entry of entries) await walk(entry, "", found);
      add(found);
    } catch {
      part("all").hidden = false;
      part("said").textContent = "Your browser could not read what was dropped.";
    }
  });
  addEventListener("beforeunload", (event) => { if (running) event.preventDefault(); });
})();
