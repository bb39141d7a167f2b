// Says why a stored picture does not show, in the words of the server.
"use strict";
(() => {
  const picture = document.getElementById("picture");
  const problem = document.getElementById("picture-problem");
  const tell = async () => {
    picture.hidden = true;
    problem.hidden = false;
    try {
      const answer = await fetch(picture.src, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      const told = await answer.json();
      problem.textContent = [told.what, told.why, told.do].filter(Boolean).join(" ");
    } catch {
      problem.textContent = "The picture did not come. Load the page again.";
    }
  };
  picture.addEventListener("error", tell);
  // It may have failed before this ran.
  if (picture.complete && picture.naturalWidth === 0 && picture.currentSrc) tell();
})();
