// Lets an operator work the queue by keyboard; without it, every key is a button on the page.
(() => {
  "use strict";
  const store = "meadow-keys";
  const box = document.getElementById("use_keys");
  const isOn = () => localStorage.getItem(store) !== "off";
  const show = () => document.documentElement.classList.toggle("no-keys", !isOn());
  show();
  if (box) {
    box.checked = isOn();
    box.addEventListener("change", () => {
      localStorage.setItem(store, box.checked ? "on" : "off");
      show();
    });
  }

  const move = (by) => {
    const rows = [...document.querySelectorAll("[data-row]")];
    if (!rows.length) return;
    const at = rows.indexOf(document.activeElement);
    rows[Math.max(0, Math.min(rows.length - 1, at + by))].focus();
  };

  const press = (button) => {
    const needed = button.dataset.needs && document.getElementById(button.dataset.needs);
    // What needs a reason asks for it first; the key pressed again, outside the field, sends it.
    if (needed && !needed.value.trim()) needed.focus();
    else button.click();
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      document.activeElement?.blur();
      return;
    }
    const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select");
    if (!isOn() || typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.key === "?") {
      const help = document.getElementById("keys");
      if (help) help.open = !help.open;
    } else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else {
      const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
      if (!button) return;
      press(button);
    }
    event.preventDefault();
  });
})();
