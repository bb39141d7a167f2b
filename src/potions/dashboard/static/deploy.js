// Deploying by dropping an archive: its bytes are sent as they are, with progress, and the page goes to the deployment.
"use strict";
(() => {
  const deploy = document.getElementById("deploy");
  const part = (name) => deploy.querySelector(`[data-${name}]`);
  const [drop, sending, bar, words, told, problem] = ["drop", "sending", "bar", "words", "told", "problem"].map(part);
  const input = document.getElementById("archive");
  let request = null;

  const units = ["kB", "MB", "GB", "TB"];
  const size = (bytes) => {
    if (bytes < 1000) return `${bytes} bytes`;
    let [value, unit] = [bytes / 1000, 0];
    while (value >= 999.5 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
    return `${value < 99.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
  };
  const duration = (seconds) => (seconds < 60 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`);

  const refuse = (what, why = "", action = "") => {
    request = null;
    sending.hidden = true;
    drop.hidden = false;
    const [first, second, third] = problem.children;
    [first.textContent, second.textContent, third.textContent] = [what, why, action];
    problem.hidden = false;
    input.value = "";
    input.focus();
  };

  // The speed of the last seconds: what came before says little about what is left.
  const marks = [];
  const advance = (sent, total) => {
    const now = performance.now();
    marks.push([now, sent]);
    while (marks.length > 2 && now - marks[0][0] > 4000) marks.shift();
    const [began, before] = marks[0];
    const speed = now - began > 300 ? ((sent - before) / (now - began)) * 1000 : 0;
    bar.value = total ? sent / total : 1;
    const pace = speed > 0 ? `, ${size(Math.round(speed))}/s, ${duration((total - sent) / speed)} left` : "";
    words.textContent = sent < total ? `${size(sent)} of ${size(total)}${pace}` : `${size(total)} sent; Potions looks at it`;
  };

  const answered = (xhr) => {
    let answer = null;
    try { answer = JSON.parse(xhr.responseText); } catch { /* A page, and not an answer to a script. */ }
    if (answer?.to?.startsWith("/apps/")) {
      request = null;
      location.assign(answer.to);
    } else if (answer?.what) {
      refuse(answer.what, answer.why, answer.do);
    } else if (new URL(xhr.responseURL || location.href).pathname === "/sign-in") {
      request = null;
      location.assign(xhr.responseURL);
    } else {
      refuse("It was not deployed.", `The answer had status ${xhr.status}.`, "Load this page again, then try once more.");
    }
  };

  const send = (file) => {
    if (request) return;
    problem.hidden = true;
    drop.hidden = true;
    sending.hidden = false;
    part("name").textContent = file.name;
    told.textContent = `Sending ${file.name}`;
    marks.length = 0;
    advance(0, file.size);
    const xhr = (request = new XMLHttpRequest());
    const name = file.name.toWellFormed ? file.name.toWellFormed() : file.name;
    xhr.open("POST", `${deploy.dataset.upload}?source=${encodeURIComponent(name)}`);
    xhr.setRequestHeader("Content-Type", "application/octet-stream");
    xhr.setRequestHeader("x-csrftoken", JSON.parse(document.body.getAttribute("hx-headers"))["x-csrftoken"]);
    xhr.upload.addEventListener("progress", (event) => advance(event.loaded, event.total));
    xhr.upload.addEventListener("load", () => { told.textContent = `${file.name} is sent`; });
    xhr.addEventListener("load", () => answered(xhr));
    xhr.addEventListener("error", () => refuse("The connection broke before all of it was sent.", "Nothing was deployed.", "Try again."));
    xhr.addEventListener("abort", () => refuse("The upload was cancelled; nothing was deployed."));
    xhr.send(file);
    part("cancel").focus();
  };

  // A folder has no bytes of its own: reading its first one fails, where a file's does not.
  const take = async (files) => {
    if (files.length !== 1) return refuse(`${files.length} files were dropped.`, "A release is one archive.", "Drop one.");
    const file = files[0];
    try { await file.slice(0, 1).arrayBuffer(); } catch {
      return refuse(`${file.name} cannot be read.`, "It is a folder, or it was moved.", "Pack it: tar czf release.tar.gz FOLDER");
    }
    return send(file);
  };

  input.addEventListener("change", () => { if (input.files.length) take([...input.files]); });
  part("cancel").addEventListener("click", () => request?.abort());
  const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  let over = 0;
  const mark = (change) => { over = Math.max(0, over + change); drop.classList.toggle("over", over > 0); };
  document.addEventListener("dragenter", (event) => { if (holdsFiles(event)) mark(1); });
  document.addEventListener("dragleave", (event) => { if (holdsFiles(event)) mark(-1); });
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = request ? "none" : "copy";
  });
  document.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    mark(-over);
    if (!request) take([...event.dataTransfer.files]);
  });
  window.addEventListener("beforeunload", (event) => { if (request) event.preventDefault(); });
  drop.hidden = false;
})();
