// Light or dark as the machine has it, until the button is pressed; another visit begins anew.
function wireTheme(onchange) {
  const button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const show = () => {
    const theme = chosen ?? (dark.matches ? "dark" : "light");
    const other = theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    button.textContent = say(other === "dark" ? "Dark" : "Light");
    button.onclick = () => {
      chosen = other;
      show();
    };
    onchange(theme);
  };
  dark.addEventListener("change", show);
  show();
}
