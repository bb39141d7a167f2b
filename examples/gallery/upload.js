// Dropping photos anywhere on the page uploads them. Without this script the form works as it is.
(() => {
  const form = document.querySelector(".upload");
  if (!form) return;
  const input = form.querySelector("input");
  const button = form.querySelector("button");
  const carriesFiles = (event) => event.dataTransfer && event.dataTransfer.types.includes("Files");

  addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    form.classList.add("over");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) form.classList.remove("over");
  });
  addEventListener("drop", (event) => {
    form.classList.remove("over");
    if (!carriesFiles(event)) return;
    event.preventDefault();
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });
  form.addEventListener("submit", () => {
    button.textContent = "Uploading…";
    button.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", () => {
    button.textContent = "Upload";
    button.removeAttribute("aria-busy");
  });
})();
