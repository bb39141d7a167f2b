// A photo opens large on the page; arrow keys and buttons go on. Without this script the link opens the photo itself.
(() => {
  const links = [...document.querySelectorAll(".open")];
  const dialog = document.querySelector(".large");
  if (!dialog || !links.length) return;
  const image = dialog.querySelector("img");
  const caption = dialog.querySelector("figcaption");
  let current = 0;

  const show = (index) => {
    current = (index + links.length) % links.length;
    const small = links[current].querySelector("img");
    image.src = links[current].href;
    image.alt = small.alt;
    caption.replaceChildren(...[...links[current].parentElement.querySelector(".caption").cloneNode(true).childNodes]);
  };

  links.forEach((link, index) => link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(index);
    dialog.showModal();
  }));
  dialog.querySelector(".previous").addEventListener("click", () => show(current - 1));
  dialog.querySelector(".next").addEventListener("click", () => show(current + 1));
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target.tagName === "FIGURE" || event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") show(current - 1);
    if (event.key === "ArrowRight") show(current + 1);
  });
  dialog.addEventListener("close", () => links[current].focus());
})();
