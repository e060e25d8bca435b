// The reader's choice of language and of light or dark: from the address (?lang=zh&theme=dark, #zh),
// the page's two buttons, an earlier visit, or the system's settings. They become attributes of the
// root element, `lang` and `data-theme`; `changed` is called after every choice but the first.
function keepChoices(changed = () => {}) {
  const root = document.documentElement;
  const kept = (name, value) => {
    // Pages from a file have no storage in some browsers.
    try {
      if (value === undefined) return localStorage.getItem("danqing-" + name);
      localStorage.setItem("danqing-" + name, value);
    } catch { /* then the choice lasts as long as the page */ }
    return null;
  };
  const asked = new URLSearchParams(location.search);
  const wished = () => new URLSearchParams(location.hash.slice(1));
  const inHash = () => (wished().has("zh") ? "zh" : wished().has("en") ? "en" : wished().get("lang"));
  const first = (known, ways) => ways.find((one) => known.includes(one));
  const speak = (language) => { root.lang = language; };
  const paint = (theme) => { root.dataset.theme = theme; };

  const languages = ["en", "zh"], themes = ["light", "dark"];
  const own = (navigator.language || "en").toLowerCase().startsWith("zh") ? "zh" : "en";
  speak(first(languages, [asked.get("lang"), inHash(), kept("language"), own]));
  const theme = first(themes, [asked.get("theme"), wished().get("theme"), kept("theme")]);
  if (theme) paint(theme);

  addEventListener("hashchange", () => {
    if (!languages.includes(inHash())) return;
    speak(inHash());
    changed();
  });
  document.getElementById("language").addEventListener("click", () => {
    speak(root.lang === "zh" ? "en" : "zh");
    kept("language", root.lang);
    changed();
  });
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    paint(dark ? "light" : "dark");
    kept("theme", root.dataset.theme);
    changed();
  });
}
