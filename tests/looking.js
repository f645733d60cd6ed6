// What is wrong with the page as it is seen: called with options, returns sentences "kind: where, what".
// Kinds: wide, clipped, outside (of its box), overlap, contrast, structure, moving.
(options = {}) => {
  const found = [], root = document.documentElement, view = {width: root.clientWidth, height: root.clientHeight};
  const say = (kind, text) => found.push(`${kind}: ${text.replace(/\s+/g, " ").trim()}`);
  const once = (of, known = new Map()) => e => {
    if (!known.has(e)) known.set(e, of(e));
    return known.get(e);
  };
  const style = once(e => getComputedStyle(e));
  const quote = text => `"${text.replace(/\s+/g, " ").trim().slice(0, 40)}"`;
  const svgNS = "http://www.w3.org/2000/svg", isSvg = e => e.namespaceURI === svgNS;
  const parent = e => e.parentElement;
  const up = function* (e) { for (; e; e = parent(e)) yield e; };

  // ------------------------------------------------------------------------------------------------ rectangles
  const rect = (left, top, right, bottom) => ({left, top, right, bottom, width: right - left, height: bottom - top});
  const cut = (a, b) => rect(Math.max(a.left, b.left), Math.max(a.top, b.top),
    Math.min(a.right, b.right), Math.min(a.bottom, b.bottom));
  const empty = r => r.width <= 0 || r.height <= 0;
  const box = once(e => {
    const {left, top, right, bottom} = e.getBoundingClientRect();
    return rect(left, top, right, bottom);
  });
  const inner = once(e => {  // what an element that scrolls or hides lets through
    const b = box(e), s = style(e);
    if (isSvg(e)) return b;
    const left = b.left + parseFloat(s.borderLeftWidth), top = b.top + parseFloat(s.borderTopWidth);
    return rect(left, top, left + e.clientWidth, top + e.clientHeight);
  });
  const holds = once(e => {  // {scroll, hide}: what becomes of what is wider or higher than the element
    const s = style(e), block = !["inline", "contents"].includes(s.display);
    if (e === root || !block && !isSvg(e)) return {};
    if (isSvg(e)) return e.localName === "svg" && !isSvg(parent(e)) && s.overflowX !== "visible" ? {hide: true} : {};
    const scroll = ["auto", "scroll"], hide = ["hidden", "clip"];
    return {
      scroll: scroll.includes(s.overflowX) || scroll.includes(s.overflowY),
      hideX: hide.includes(s.overflowX), hideY: hide.includes(s.overflowY),
    };
  });

  // ------------------------------------------------------------------------------------------------ the texts
  // One for each run of text, of a formula one for the whole of it: the element, its words, its rectangles.
  const seen = once(e =>
    e.checkVisibility({visibilityProperty: true, opacityProperty: true, contentVisibilityAuto: true}));
  const texts = [];
  const walker = document.createTreeWalker(document.body ?? root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, e = node.parentElement;
    if (!node.data.trim() || e.closest("script,style,title,desc,metadata,defs,annotation,option,noscript,datalist")) continue;
    if (e.closest("math annotation")) continue;
    if (!seen(e)) continue;
    let rects;
    if (isSvg(e)) rects = [box(e)];
    else {
      const range = document.createRange();
      range.selectNodeContents(node);
      rects = [...range.getClientRects()];
    }
    rects = rects.filter(r => r.width > 0.5 && r.height > 0.5);
    const aloud = [...up(e)].some(a => holds(a).hideX && inner(a).width <= 1 && inner(a).height <= 1);
    if (!rects.length || aloud) continue;  // what only a screen reader is to read
    texts.push({e, words: node.data, rects, math: e.closest("math"), label: isSvg(e) ? e.closest("text") : null});
  }
  for (const e of document.querySelectorAll("select,input:not([type=range]):not([type=checkbox]):not([type=radio])"))
    if (seen(e) && (e.value || e.placeholder))
      texts.push({e, words: e.localName === "select" ? e.selectedOptions[0]?.textContent ?? "" : e.value || e.placeholder,
        rects: [box(e)], math: null, label: null, field: true});

  // What of a rectangle can be seen now, and what can never be: cut off by an element that does not scroll.
  const shown = (t, r) => {
    let now = r, scrolls = false, lost = 0;
    for (const a of up(t.e)) {
      const h = holds(a), i = inner(a);
      if (h.hide || h.hideX || h.hideY) {
        if (!scrolls && !t.field) {
          const x = h.hide || h.hideX ? Math.max(i.left - r.left, r.right - i.right) : 0;
          const y = h.hide || h.hideY ? Math.max(i.top - r.top, r.bottom - i.bottom) - r.height * 0.15 : 0;
          lost = Math.max(lost, x, y);
        }
        now = cut(now, i);
      }
      if (h.scroll) { scrolls = true; now = cut(now, i); }
      if (style(a).position === "fixed") break;
    }
    if (!scrolls) lost = Math.max(lost, -(r.left + scrollX), -(r.top + scrollY));
    return [now, lost];
  };
  for (const t of texts) {
    t.now = [];
    for (const r of t.rects) {
      const [now, lost] = shown(t, r);
      if (!empty(now)) t.now.push(now);
      if (lost > 1.5) say("clipped", `${quote(t.words)} by ${lost.toFixed(1)} px`);
    }
    if (t.field && t.e.localName === "input" && t.e.scrollWidth > t.e.clientWidth + 1)
      say("clipped", `${quote(t.words)} in its field`);
  }

  // ------------------------------------------------------------------------------------------------ wide
  if (!isSvg(root) && root.scrollWidth > root.clientWidth) {  // a picture opened alone may be larger than the window
    const far = [...document.querySelectorAll("*")].filter(e => box(e).right > view.width + 1).slice(0, 3);
    say("wide", `${root.scrollWidth} px in a window of ${root.clientWidth}: ${far.map(e => e.localName + "." +
      (e.getAttribute("class") ?? "")).join(", ")}`);
  }

  // ------------------------------------------------------------------------------------------------ outside
  // What a picture says lies in its view box; in a picture of a graph, what a node says lies within its shape.
  for (const label of new Set(texts.map(t => t.label).filter(Boolean))) {
    const svg = [...up(label)].filter(isSvg).pop(), m = svg.getScreenCTM(), v = svg.viewBox.baseVal, r = box(label);
    if (!m || !v || !v.width || style(svg).overflowX === "visible" && svg !== root) continue;
    const a = new DOMPoint(v.x, v.y).matrixTransform(m), b = new DOMPoint(v.x + v.width, v.y + v.height).matrixTransform(m);
    if (r.left < a.x - 1.5 || r.right > b.x + 1.5 || r.top < a.y - 2 || r.bottom > b.y + 2)
      say("outside", `${quote(label.textContent)} leaves the picture`);
  }
  const solid = "rect,polygon,path,ellipse,circle";
  for (const label of new Set(texts.map(t => t.label).filter(Boolean))) {
    const node = label.closest("g.n,g.node");
    if (!node) continue;
    const shapes = [...node.querySelectorAll(solid)].filter(seen).map(box).filter(b => b.width > 2 && b.height > 2);
    if (!shapes.length) continue;
    const all = rect(Math.min(...shapes.map(b => b.left)), Math.min(...shapes.map(b => b.top)),
      Math.max(...shapes.map(b => b.right)), Math.max(...shapes.map(b => b.bottom)));
    const r = box(label), slack = 1 + 0.1 * r.height;
    if (r.left < all.left - 1 || r.right > all.right + 1 || r.top < all.top - slack || r.bottom > all.bottom + slack)
      say("outside", `${quote(label.textContent)} leaves the box of ${node.id || "its node"}`);
  }

  // ------------------------------------------------------------------------------------------------ overlap
  // Of a line's height the outer fifths hold no ink: what lies there does not overlap.
  const units = new Map();
  for (const t of texts) {
    if (t.field) continue;
    const key = t.math ?? t.label ?? t;
    const unit = units.get(key) ?? units.set(key, {e: key.e ?? key, words: "", rects: [], at: units.size}).get(key);
    unit.words += t.words;
    unit.rects.push(...t.now);
  }
  const flat = [];
  for (const unit of units.values())
    for (const r of unit.rects) {
      const y = r.height * 0.22;
      flat.push({unit, ...rect(r.left + 0.5, r.top + y, r.right - 0.5, r.bottom - y)});
    }
  flat.sort((a, b) => a.left - b.left);
  const told = new Set();
  flat.forEach((a, i) => {
    for (let j = i + 1; j < flat.length && flat[j].left < a.right; j++) {
      const b = flat[j], c = cut(a, b);
      if (a.unit === b.unit || c.width <= 1 || c.height <= 1) continue;
      const cover = x => [...up(x.unit.e)].find(y => ["fixed", "sticky"].includes(style(y).position));
      if (cover(a) !== cover(b)) continue;  // what stays lies over what scrolls
      const [below, above] = [a.unit, b.unit].sort((u, v) => u.at - v.at);
      const text = `${quote(above.words)} on ${quote(below.words)}`;
      if (!told.has(text)) say("overlap", text);
      told.add(text);
    }
  });

  // ------------------------------------------------------------------------------------------------ contrast
  const pixels = once(size => Object.assign(document.createElementNS("http://www.w3.org/1999/xhtml", "canvas"),
    {width: size, height: size}).getContext("2d", {willReadFrequently: true}));
  const colour = once(text => {  // [r, g, b, alpha], each from 0 to 1
    const m = /^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/.exec(text);
    if (m) return [m[1] / 255, m[2] / 255, m[3] / 255, m[4] === undefined ? 1 : +m[4]];
    const pixel = pixels(1);
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = text;
    pixel.fillRect(0, 0, 1, 1);
    return [...pixel.getImageData(0, 0, 1, 1).data].map(x => x / 255);
  });
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const fade = ([r, g, b, a], by) => [r, g, b, a * by];
  const linear = x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ratio = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const canvas = () => {  // what is behind everything: white, or what the colour scheme has
    const probe = document.createElementNS("http://www.w3.org/1999/xhtml", "div");
    probe.style.cssText = "position:absolute;background:Canvas";
    root.append(probe);
    const c = getComputedStyle(probe).backgroundColor;
    probe.remove();
    return colour(c);
  };
  const bottom = canvas();
  const opacity = once(e => +style(e).opacity * (parent(e) ? opacity(parent(e)) : 1));
  const behind = e => {  // the colour of the HTML behind an element's own content
    const layers = [];
    for (const a of up(e)) {
      if (isSvg(a)) { if (a.localName !== "svg" || parent(a) && isSvg(parent(a))) continue; }
      const s = style(a), c = colour(s.backgroundColor);
      if (s.backgroundImage !== "none") return null;
      if (c[3] > 0) layers.push(fade(c, opacity(a)));
      if (c[3] === 1 && opacity(a) === 1) break;
    }
    return layers.reduceRight((below, layer) => over(layer, below), bottom);
  };
  const shapes = once(svg => [...svg.querySelectorAll(solid)]  // what is filled, in the order of painting
    .filter(e => style(e).fill !== "none" && seen(e) && !e.closest("defs,clipPath,mask,marker,pattern"))
    .map(e => ({e, box: box(e), fill: fade(colour(style(e).fill), style(e).fillOpacity * opacity(e)), back: null})));
  const within = (shape, x, y) => {
    const b = shape.box;
    if (x < b.left || x > b.right || y < b.top || y > b.bottom) return false;
    shape.back ??= shape.e.getScreenCTM()?.inverse() ?? null;
    if (!shape.back) return false;
    return shape.e.isPointInFill(new DOMPoint(x, y).matrixTransform(shape.back));
  };
  const weight = s => parseInt(s.fontWeight) || 400;
  const low = new Map();
  for (const t of texts) {
    const s = style(t.e);
    if (t.e.closest("[disabled],[aria-disabled=true]") || !t.now.length) continue;
    let size = parseFloat(s.fontSize), ink, grounds;
    if (isSvg(t.e)) {
      const svg = [...up(t.e)].filter(a => a.localName === "svg").pop(), m = t.label.getScreenCTM();
      size *= m ? Math.sqrt(Math.abs(m.a * m.d - m.b * m.c)) : 1;
      ink = fade(colour(s.fill), s.fillOpacity * opacity(t.e));
      const paper = behind(svg), r = t.rects[0], y = (r.top + r.bottom) / 2;
      if (!paper) { say("contrast", `${quote(t.words)} lies on an image`); continue; }
      const before = shapes(svg).filter(p => p.box.left < r.right && p.box.right > r.left && p.box.top < y
        && p.box.bottom > y && t.e.compareDocumentPosition(p.e) & Node.DOCUMENT_POSITION_PRECEDING);
      const cell = before.filter(p => parent(p.e) === parent(t.label) && within(p, (r.left + r.right) / 2, y)).at(-1);
      if (cell && (r.left < cell.box.left - 2 || r.right > cell.box.right + 2))
        say("outside", `${quote(t.words)} leaves its cell`);
      const halo = s.paintOrder.startsWith("stroke") && s.stroke !== "none" && parseFloat(s.strokeWidth) >= 2;
      grounds = [0.1, 0.3, 0.5, 0.7, 0.9].map(k => {
        const x = r.left + k * r.width;
        const ground = before.filter(p => within(p, x, y)).reduce((below, p) => over(p.fill, below), paper);
        return halo ? over(fade(colour(s.stroke), s.strokeOpacity * opacity(t.e)), ground) : ground;
      });
    } else {
      ink = fade(colour(s.color), opacity(t.e));
      if (s.webkitTextFillColor && s.webkitTextFillColor !== s.color) ink = colour(s.webkitTextFillColor);
      const paper = behind(t.e);
      if (!paper) { say("contrast", `${quote(t.words)} lies on an image`); continue; }
      grounds = [paper];
    }
    const large = size >= 24 || size >= 18.66 && weight(s) >= 700;
    const least = Math.min(...grounds.map(g => ratio(over(ink, g), g)));
    const key = `${s.fill}${s.color}${t.e.localName}${least.toFixed(2)}`;
    if (least < (large ? 3 : 4.5) && !low.has(key)) low.set(key, `${quote(t.words)} has ${least.toFixed(2)}`);
  }
  for (const text of low.values()) say("contrast", text);

  // ------------------------------------------------------------------------------------------------ structure
  const name = e => (e.getAttribute("aria-label") ?? "").trim() || e.getAttribute("aria-labelledby")
    || [...e.labels ?? []].some(l => l.textContent.trim()) || e.title || e.localName !== "select" && e.textContent.trim();
  if (isSvg(root)) {
    const title = root.querySelector(":scope > title")?.textContent.trim() || root.getAttribute("aria-label");
    if (!title) say("structure", "the picture has no title");
  } else {
    if (!root.lang) say("structure", "the page has no lang");
    if (!document.title.trim()) say("structure", "the page has no title");
    if (!document.querySelector("meta[name=viewport]")) say("structure", "the page has no viewport for phones");
    if (document.querySelectorAll("main").length !== 1) say("structure", "the page has not one main");
    if (document.querySelectorAll("h1").length !== 1) say("structure", "the page has not one h1");
    for (const t of texts)
      if (!t.e.closest("main,header,nav,footer,aside,section[aria-label],section[aria-labelledby]"))
        say("structure", `${quote(t.words)} stands in no landmark`);
    for (const e of document.querySelectorAll("button,input,select,textarea,summary,a[href]"))
      if (seen(e) && !name(e)) say("structure", `a ${e.localName} has no name`);
    for (const e of document.querySelectorAll("img:not([alt])")) say("structure", `img ${e.src.slice(0, 30)} has no alt`);
    for (const e of document.querySelectorAll("svg"))
      if (seen(e) && !isSvg(parent(e)) && !e.closest("[aria-hidden=true],button") && !e.getAttribute("aria-label")
        && !e.getAttribute("aria-labelledby") && !e.querySelector(":scope > title")) say("structure", "an svg has no text for it");
  }
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) < i))) say("structure", `the id ${id} stands twice`);

  // ------------------------------------------------------------------------------------------------ moving
  if (matchMedia("(prefers-reduced-motion: reduce)").matches)
    for (const a of document.getAnimations())
      if (a.playState === "running") say("moving", `${a.animationName ?? "an animation"} in spite of reduced motion`);

  return [...new Set(found)];
}
