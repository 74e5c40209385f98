"use strict";
// Copying is a help, never the only way: without a clipboard the text is selected for the person to copy.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const field = document.getElementById(button.dataset.copy);
    field.focus();
    field.select();
    if (navigator.clipboard) navigator.clipboard.writeText(field.value).catch(() => {});
    else if (document.execCommand) document.execCommand("copy");
  });
}
