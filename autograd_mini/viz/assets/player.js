"use strict";
(() => {
  const $ = id => document.getElementById(id), root = document.documentElement;
  const steps = JSON.parse($("data").textContent), last = steps.length - 1;
  const net = $("net"), stage = $("stage"), slider = $("slider");
  const articles = [...document.querySelectorAll("article")], nodes = [...net.querySelectorAll(".n")];
  const arrows = [...net.querySelectorAll(".e")], labels = [...net.querySelectorAll(".lab")];
  const code = [...document.querySelectorAll("pre code")];
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const names = {start: "start", forward: "forward", seed: "seed", backward: "backward", end: "end"};
  const ahead = {}, back = {};  // where a click on a box leads
  steps.forEach((s, i) => {
    s.v.forEach(n => ahead[n] ??= i);
    if (s.p === "backward" || s.p === "seed") s.t.forEach(n => back[n] = i);
  });
  steps.forEach((s, i) => { if (s.p === "backward") back[s.n] = i; });
  let at = 0, timer = 0, zoom = 0, address = 0;
  const page = {solved: () => Infinity, shown: () => {}};  // a mode may hold numbers back

  function show(i) {
    at = Math.max(0, Math.min(last, i));
    const step = steps[at], has = new Set(), grown = {}, held = page.solved(at);
    steps.slice(0, at + 1).forEach((s, k) => {
      s.v.forEach(n => has.add(n));
      s.g.forEach(([n, j], c) => { if (k < at || c < held) grown[n] = j; });
    });
    const to = new Set(step.t), on = new Set(step.e), lit = new Set(step.l.map(l => "c" + l));
    net.classList.toggle("back", !["start", "forward"].includes(step.p));
    for (const node of nodes) {
      node.classList.toggle("has", has.has(node.id));
      node.classList.toggle("cur", node.id === step.n);
      node.classList.toggle("to", to.has(node.id));
      node.querySelectorAll(".g").forEach((g, j) => g.classList.toggle("on", grown[node.id] === j + 1));
      node.querySelectorAll(".w").forEach(w => w.classList.toggle("on", grown[node.id] === +w.dataset.use + 1));
    }
    arrows.forEach(e => e.classList.toggle("on", on.has(e.id)));
    labels.forEach(l => l.classList.toggle("on", step.p === "backward" && held >= step.e.length && on.has(l.id.slice(1))));
    articles.forEach((a, k) => a.classList.toggle("on", k === at));
    code.forEach(c => c.classList.toggle("on", lit.has(c.id)));
    $("phase").textContent = names[step.p];
    $("phase").className = step.p;
    slider.value = at;
    slider.setAttribute("aria-valuetext", `step ${at} of ${last}, ${names[step.p]}`);
    $("count").textContent = `${at} / ${last}`;
    $("first").disabled = $("back").disabled = at === 0;
    $("next").disabled = $("last").disabled = at === last;
    if (at === last) stop();
    clearTimeout(address);  // browsers refuse to be told at every move of the slider
    address = setTimeout(() => {
      try { history.replaceState(null, "", "#" + at); } catch { /* some keep files' addresses as they are */ }
    }, 150);
    const line = code.find(c => lit.has(c.id)), box = line && line.parentElement;
    if (line) box.scrollTop = line.offsetTop - box.offsetTop - box.clientHeight / 2;
    $("panel").scrollTop = 0;
    follow();
    page.shown(at);
  }

  function follow() {
    const step = steps[at], wanted = [step.n, ...(step.p === "backward" || step.p === "seed" ? step.t : [])];
    const boxes = wanted.map(n => n && $(n)).filter(Boolean).map(n => n.getBoundingClientRect());
    const view = stage.getBoundingClientRect();
    let dx = 0, dy = 0;
    if (boxes.length) {
      const l = Math.min(...boxes.map(b => b.left)), r = Math.max(...boxes.map(b => b.right));
      const t = Math.min(...boxes.map(b => b.top)), b = Math.max(...boxes.map(b => b.bottom));
      if (l < view.left + 8 || r > view.right - 8) dx = (l + r) / 2 - (view.left + view.right) / 2;
      if (t < view.top + 8 || b > view.bottom - 8) dy = (t + b) / 2 - (view.top + view.bottom) / 2;
    }
    if (dx || dy) stage.scrollBy({left: dx, top: dy, behavior: still.matches || !timer ? "auto" : "smooth"});
  }

  function size() {
    const {width, height} = net.viewBox.baseVal, pad = 18;
    const fits = Math.min((stage.clientWidth - pad) / width, (stage.clientHeight - pad) / height);
    const k = zoom === "fit" ? Math.min(fits, 1.6) : zoom || Math.max(Math.min(fits, 1.35), 0.86);
    net.setAttribute("width", width * k);
    net.setAttribute("height", height * k);
    net.dataset.k = k;
    follow();
  }

  function stop() { clearInterval(timer); timer = 0; $("play").textContent = "Play"; }
  function play() {
    if (timer) return stop();
    if (at === last) show(0);
    $("play").textContent = "Pause";
    timer = setInterval(() => show(at + 1), 1300);
  }
  const go = i => { stop(); show(i); };
  const larger = by => { zoom = Math.max(0.2, Math.min(4, net.dataset.k * by)); size(); };

  $("first").onclick = () => go(0);
  $("back").onclick = () => go(at - 1);
  $("next").onclick = () => go(at + 1);
  $("last").onclick = () => go(last);
  $("play").onclick = play;
  slider.oninput = () => go(+slider.value);
  $("in").onclick = () => larger(1.2);
  $("out").onclick = () => larger(1 / 1.2);
  $("fit").onclick = () => { zoom = zoom === "fit" ? 0 : "fit"; size(); };
  nodes.forEach(n => n.onclick = () => {
    const late = at >= steps.findIndex(s => s.p === "seed");
    const i = late ? back[n.id] ?? ahead[n.id] : ahead[n.id];
    if (i !== undefined) go(i);
  });
  addEventListener("keydown", event => {
    const tag = event.target.tagName;
    if (event.ctrlKey || event.metaKey || event.altKey || tag === "SELECT") return;
    if (tag === "INPUT" && event.target !== slider) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const key = event.key;
    if (key === " " && tag === "BUTTON") return;
    const keys = {ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last};
    if (key in keys) go(keys[key]);
    else if (key === " ") play();
    else if (key === "+" || key === "=") larger(1.2);
    else if (key === "-") larger(1 / 1.2);
    else if (key === "0") $("fit").click();
    else return;
    event.preventDefault();
  });
  addEventListener("hashchange", () => { const i = parseInt(location.hash.slice(1)); if (i >= 0 && i !== at) go(i); });
  addEventListener("resize", size);

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  const named = () => { $("theme").textContent = isDark() ? "light" : "dark"; };
  $("theme").onclick = () => { root.dataset.theme = isDark() ? "light" : "dark"; named(); };
  dark.onchange = named;
  if ($("fault")) $("fault").onclick = () => go(+$("fault").dataset.step);
  if ($("notation")) $("notation").onchange = event => { root.dataset.notation = event.target.value; };

  /*modes*/
  root.classList.add("js");
  named();
  size();
  show(parseInt(location.hash.slice(1)) || 0);
  size();
})();
