  // LaTeX of what is shown: an annotation of each formula, and what a copy of it gives.
  const greek = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi o pi rho varsigma sigma tau upsilon phi chi psi omega".split(" ");
  const signs = {"−": "-", "·": "\\cdot ", "⊙": "\\odot ", "×": "\\times ", "∑": "\\sum ", "∂": "\\partial ", "⊤": "\\top ",
    "∞": "\\infty ", "′": "\\prime ", "≤": "\\le ", "≥": "\\ge ", "≠": "\\ne ", "∧": "\\wedge ", "∨": "\\vee ", "⟨": "\\langle ",
    "⟩": "\\rangle ", "\u2062": "\\,", "←": "\\leftarrow ", "{": "\\{", "}": "\\}", "_": "\\_", "#": "\\#", "%": "\\%", "&": "\\&",
    "$": "\\$", "\\": "\\backslash ", "~": "\\sim ", "^": "\\hat{}"};
  const letter = c => {
    const i = c.codePointAt(0) - 945;
    return signs[c] ?? (greek[i] ? `\\${greek[i]} ` : greek[i + 32] && i < 0 ? `\\${greek[i + 32].replace(/./, x => x.toUpperCase())} ` : c);
  };
  const spelled = text => [...text].map(letter).join("");
  function tex(e) {
    const parts = [...e.children].filter(c => c.localName !== "annotation"), [a, b, c] = parts, all = () => parts.map(tex).join("");
    const text = e.textContent;
    switch (e.localName) {
      case "mi": return [...text].length > 1 ? `\\mathrm{${spelled(text)}}` : spelled(text);
      case "mtext": return `\\mathrm{${spelled(text).replaceAll(" ", "~")}}`;
      case "mn": case "mo": return spelled(text);
      case "mspace": return "\\ ";
      case "mfrac": return `\\frac{${tex(a)}}{${tex(b)}}`;
      case "msqrt": return `\\sqrt{${all()}}`;
      case "msub": case "munder": return `{${tex(a)}}_{${tex(b)}}`;
      case "msup": case "mover": return `{${tex(a)}}^{${tex(b)}}`;
      case "msubsup": case "munderover": return `{${tex(a)}}_{${tex(b)}}^{${tex(c)}}`;
      case "mtr": return parts.map(tex).join(" & ");
      case "mtable": {
        const kind = e.matches(".eq") ? "aligned" : "matrix";
        return `\\begin{${kind}} ${parts.map(tex).join(" \\\\ ")} \\end{${kind}}`;
      }
    }
    return all();
  }
  const ml = name => document.createElementNS("http://www.w3.org/1998/Math/MathML", name);
  function annotate(article) {
    for (const math of article.querySelectorAll("math:not(:has(>semantics))")) {
      const whole = ml("semantics"), row = ml("mrow"), note = ml("annotation");
      note.setAttribute("encoding", "application/x-tex");
      note.textContent = tex(math);
      row.append(...math.childNodes);
      whole.append(row, note);
      math.append(whole);
    }
  }
  addEventListener("copy", event => {
    const selected = getSelection(), part = document.createElement("div");
    if (!selected.rangeCount) return;
    const range = selected.getRangeAt(0), home = range.commonAncestorContainer;
    const math = (home.closest ? home : home.parentElement).closest("math");
    part.append(math ? math.cloneNode(true) : range.cloneContents());
    const found = part.querySelectorAll("math");
    if (!found.length) return;
    found.forEach(m => m.replaceWith(`$${tex(m)}$`));
    event.clipboardData.setData("text/plain", part.textContent);
    event.preventDefault();
  });
