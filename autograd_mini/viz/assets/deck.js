  // What all pages share: a position on a slider, keys, play, the address, light and dark.
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  function deck(last, pace, show) {  // show(i) draws position i, and returns what the slider says of it
    let timer = 0, address = 0;
    const slider = $("slider"), self = {at: 0, go: i => { stop(); move(i); }, playing: () => timer !== 0};
    function move(i) {
      const at = self.at = Math.max(0, Math.min(last, i));
      slider.setAttribute("aria-valuetext", show(at));
      slider.value = at;
      $("count").textContent = `${at} / ${last}`;
      $("first").disabled = $("back").disabled = at === 0;
      $("next").disabled = $("last").disabled = at === last;
      if (at === last) stop();
      clearTimeout(address);  // browsers refuse to be told at every move of the slider
      address = setTimeout(() => {
        try { history.replaceState(null, "", "#" + at); } catch { /* some keep files' addresses as they are */ }
      }, 150);
    }
    function stop() { clearInterval(timer); timer = 0; $("play").textContent = "Play"; }
    function play() {
      if (timer) return stop();
      if (self.at === last) move(0);
      if (self.at === last) return;
      $("play").textContent = "Pause";
      timer = setInterval(() => move(self.at + 1), pace);
    }
    $("first").onclick = () => self.go(0);
    $("back").onclick = () => self.go(self.at - 1);
    $("next").onclick = () => self.go(self.at + 1);
    $("last").onclick = () => self.go(last);
    $("play").onclick = play;
    slider.oninput = () => self.go(+slider.value);
    addEventListener("keydown", event => {
      const tag = event.target.tagName, key = event.key;
      if (event.ctrlKey || event.metaKey || event.altKey || tag === "SELECT") return;
      if (tag === "INPUT" && event.target !== slider) {
        if (key === "Escape") event.target.blur();
        return;
      }
      if (key === " " && (tag === "BUTTON" || tag === "SUMMARY")) return;
      const at = self.at;
      const keys = {ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last};
      if (key in keys) self.go(keys[key]);
      else if (key === " ") play();
      else if (!self.key || !self.key(key)) return;
      event.preventDefault();
    });
    addEventListener("hashchange", () => {
      const i = parseInt(location.hash.slice(1));
      if (i >= 0 && i !== self.at) self.go(i);
    });
    self.start = () => move(parseInt(location.hash.slice(1)) || 0);
    return self;
  }

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  const named = () => { $("theme").textContent = isDark() ? "light" : "dark"; };
  $("theme").onclick = () => { root.dataset.theme = isDark() ? "light" : "dark"; named(); };
  dark.onchange = named;
  named();
