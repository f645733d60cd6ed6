"use strict";
(() => {
  const $ = id => document.getElementById(id), root = document.documentElement;
  const steps = JSON.parse($("data").textContent), last = steps.length - 1;
  const net = $("net"), stage = $("stage");
  const articles = [...document.querySelectorAll("article")];
  const nodes = new Map([...net.querySelectorAll(".n")].map(e => [e.id, {
    e, g: [...e.querySelectorAll(".g")], w: [...e.querySelectorAll(".w")], grows: [], has: null, grown: null,
  }]));
  const names = {start: "start", forward: "forward", seed: "seed", backward: "backward", end: "end"};
  const ahead = {}, back = {};  // where a click on a box leads
  steps.forEach((s, i) => {
    s.v.forEach(n => ahead[n] ??= i);
    if (s.p === "backward" || s.p === "seed") s.t.forEach(n => back[n] = i);
  });
  steps.forEach((s, i) => {
    if (s.p === "backward") back[s.n] = i;
    s.g.forEach(([n, j], c) => nodes.get(n).grows.push([i, c, j]));
  });
  let at = 0, zoom = 0;
  const page = {solved: () => Infinity, shown: () => {}};  // a mode may hold numbers back

  /*deck*/
  /*tex*/
  const marked = {};  // by class: what has it now, so that a step of a large graph touches little of the page
  function mark(name, elements) {
    (marked[name] || []).forEach(([e, c]) => e.classList.remove(c));
    marked[name] = elements.filter(Boolean).map(e => [e, name.split(" ")[0]]);
    marked[name].forEach(([e, c]) => e.classList.add(c));
  }

  function show(i) {
    at = i;
    const step = steps[at], held = page.solved(at), back = !["start", "forward"].includes(step.p);
    net.classList.toggle("back", back);
    nodes.forEach((node, id) => {
      const has = ahead[id] <= at;
      if (has !== node.has) node.e.classList.toggle("has", node.has = has);
      let grown = 0;
      for (const [k, c, j] of node.grows) if (k < at || k === at && c < held) grown = j;
      if (grown === node.grown) return;
      node.grown = grown;
      node.g.forEach((g, j) => g.classList.toggle("on", grown === j + 1));
      node.w.forEach(w => w.classList.toggle("on", grown === +w.dataset.use + 1));
    });
    const elements = (ids, before = "") => ids.map(id => $(before + id));
    mark("cur", elements([step.n || "none"]));
    mark("to", elements(step.t));
    mark("on edges", elements(step.e));
    mark("on labels", step.p === "backward" && held >= step.e.length ? elements(step.e, "l") : []);
    mark("on article", [articles[at]]);
    mark("on code", elements(step.l, "c"));
    $("phase").textContent = names[step.p];
    $("phase").className = step.p;
    const line = step.l.length && $("c" + step.l[0]), box = line && line.parentElement;
    if (line) box.scrollTop = line.offsetTop - box.offsetTop - box.clientHeight / 2;
    $("panel").scrollTop = 0;
    follow();
    page.shown(at);
    annotate(articles[at]);
    narrow();
    return `step ${at} of ${last}, ${names[step.p]}`;
  }

  function narrow() {  // a formula that is too wide is written smaller, before it must be scrolled
    for (const math of articles[at].querySelectorAll("math[display=block]")) {
      math.style.fontSize = "";
      const share = math.clientWidth / math.scrollWidth;
      if (share < 1) math.style.fontSize = `${Math.max(0.76, 1.13 * share)}em`;
    }
  }

  const sides = boxes => [["min", "left"], ["max", "right"], ["min", "top"], ["max", "bottom"]]
    .map(([most, side]) => Math[most](...boxes.map(b => b[side])));
  function follow() {
    const step = steps[at], wanted = [step.n, ...(step.p === "backward" || step.p === "seed" ? step.t : [])];
    const boxes = wanted.map(n => n && $(n)).filter(Boolean).map(n => n.getBoundingClientRect());
    const view = stage.getBoundingClientRect();
    let dx = 0, dy = 0;
    if (boxes.length) {
      let [l, r, t, b] = sides(boxes);
      const x = Math.min(60, view.width / 8), y = Math.min(30, view.height / 12);
      if (r - l > view.width - 2 * x || b - t > view.height - 2 * y) [l, r, t, b] = sides(boxes.slice(0, 1));
      if (l < view.left + x || r > view.right - x) dx = (l + r) / 2 - (view.left + view.right) / 2;
      if (t < view.top + y || b > view.bottom - y) dy = (t + b) / 2 - (view.top + view.bottom) / 2;
    }
    if (dx || dy) stage.scrollBy({left: dx, top: dy, behavior: still.matches || !playing() ? "auto" : "smooth"});
  }

  function size() {
    const {width, height} = net.viewBox.baseVal, pad = 18;
    const fits = Math.min((stage.clientWidth - pad) / width, (stage.clientHeight - pad) / height);
    const k = zoom === "fit" ? Math.min(fits, 1.6) : zoom || Math.max(Math.min(fits, 1.35), 0.86);
    net.setAttribute("width", width * k);
    net.setAttribute("height", height * k);
    net.dataset.k = k;
    follow();
    narrow();
  }

  const player = deck(last, 1300, show), {go, playing} = player;
  const larger = by => { zoom = Math.max(0.2, Math.min(4, net.dataset.k * by)); size(); };

  $("in").onclick = () => larger(1.2);
  $("out").onclick = () => larger(1 / 1.2);
  $("fit").onclick = () => { zoom = zoom === "fit" ? 0 : "fit"; size(); };
  nodes.forEach((node, id) => node.e.onclick = () => {
    const late = at >= steps.findIndex(s => s.p === "seed");
    const i = late ? back[id] ?? ahead[id] : ahead[id];
    if (i !== undefined) go(i);
  });
  player.key = key => {
    if (key === "+" || key === "=") larger(1.2);
    else if (key === "-") larger(1 / 1.2);
    else if (key === "0") $("fit").click();
    else return false;
    return true;
  };
  addEventListener("resize", size);

  if ($("fault")) $("fault").onclick = () => go(+$("fault").dataset.step);
  if ($("notation")) $("notation").onchange = event => { root.dataset.notation = event.target.value; };

  /*modes*/
  /*system*/
  root.classList.add("js");
  player.start();
  size();
})();
